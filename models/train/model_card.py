"""The model card: what the weights are made of, so that anybody can judge whether to use them, or make them again."""

from collections.abc import Mapping, Sequence

from models.train.episodes import HELD_OUT_FAMILIES
from models.train.ingredients import StageRun, Training


def model_card(
    sha256: str, size_bytes: int, trainings: Sequence[Training], last: Mapping[str, Mapping[str, float]]
) -> str:
    """Markdown. ``trainings``: all of them, the first one first; ``last``: the last measurement of each stage."""
    measured = "\n".join(
        f"| {stage} | {name} | {value:.4g} |"
        for stage, row in last.items()
        for name, value in row.items()
        if name not in ("step", "steps")
    )
    sides = [side for each in trainings for stage in _stages(each) for side in stage.sides_px]
    families = dict.fromkeys(family for each in trainings for family in each.families)
    learned_from = "\n".join(
        [
            *_unknown(trainings[0]),
            *_teachers(trainings),
            *_photographs(trainings),
            f"- Parts drawn by this project's generator (`models/synth`), families: {', '.join(families)}. Held out, "
            f"for choosing only:\n  {', '.join(HELD_OUT_FAMILIES)}.",
            "- No picture of any inspection data set, and no label made by people, in the trainings named here.",
        ]
    )
    return f"""# Model card: the networks of the embedded recipe

File `weights.safetensors`, {size_bytes / 1e6:.1f} MB, half precision, sha256 `{sha256}`.

**What they do.** The student turns a picture into features at strides of 8 and 16 px; the decoder turns features, and
their differences from a line's good parts, into a map of defects. They know no product: what is normal comes from the
line's own references. They are not for finding people, text or anything that is not the surface of a part.

**What they learned from.**
{learned_from}

**How.** One training after the other:
{_numbered(trainings)}

{_again(trainings)}

| stage of the last training | measured on held-out crops and families | value |
|---|---|---|
{measured}

**Limits.** The trainings named here showed drawn defects on pictures of {min(sides)} to {max(sides)} px: a kind of
defect that neither looks unlike the references nor like anything the generator draws is missed. Nothing above was
measured on real parts; `lineside evaluate` does that.
"""


def _unknown(first: Training) -> list[str]:
    """What can be said of a beginning that tells of no trainings."""
    if first.begun_with is None:
        return []
    teacher = "" if first.begun_teacher is None else f" but its teacher, {first.begun_teacher}"
    return [
        f"- What the file had learned from that the first training went on from, sha256 `{first.begun_with}`. "
        f"Its header tells nothing of it{teacher}: ask whoever made it."
    ]


def _teachers(trainings: Sequence[Training]) -> list[str]:
    used = dict.fromkeys(each.teacher for each in trainings if each.teacher is not None)
    named = [each.name if each.sha256 is None else f"{each.name}, sha256 `{each.sha256}`" for each in used]
    lines = [f"- Teacher of the features: {name}." for name in named]
    if any(each.sha256 is not None for each in used):
        lines[-1] += " Teachers are used in training only; none of their weights are in the file."
    return lines


def _photographs(trainings: Sequence[Training]) -> list[str]:
    used = dict.fromkeys(each.photographs for each in trainings if each.photographs is not None)
    return [f"- Photographs: {each.named}." for each in used] or ["- Photographs: none in the trainings named here."]


def _numbered(trainings: Sequence[Training]) -> str:
    lines = []
    for number, each in enumerate(trainings, 1):
        stages = [f"{name}: {_told(stage)}" for name, stage in zip(_names(each), _stages(each), strict=True)]
        teacher = "" if each.teacher is None else f"; teacher: {each.teacher.name}"
        begun = "" if each.begun_with is None else f"; FILE of `--begin-with` has sha256 `{each.begun_with}`"
        lines.append(f"{number}. `{each.command}` (lineside {each.lineside}; {'; '.join(stages)}{teacher}{begun})")
    return "\n".join(lines)


def _names(training: Training) -> list[str]:
    return ["decoder"] if training.distillation is None else ["student", "decoder"]


def _stages(training: Training) -> list[StageRun]:
    return [stage for stage in (training.distillation, training.decoding) if stage is not None]


def _told(stage: StageRun) -> str:
    sides = ", ".join(str(side) for side in sorted(set(stage.sides_px)))
    return f"{stage.steps} steps at rate {stage.learning_rate:g}, {sides} px"


def _again(trainings: Sequence[Training]) -> str:
    if all(each.device == "cpu" for each in trainings):
        return "On the same revision and kind of CPU these commands give the same file."
    return (
        "On the same revision and kind of CPU a command with `--device cpu` gives the same file; a GPU sums in an "
        "order of its own, so that what it makes comes out alike, not the same."
    )
