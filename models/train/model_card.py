"""The model card: what the weights are made of, so that anybody can judge whether to use them, or make them again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.synth.line import FAMILIES
from models.train.episodes import HELD_OUT_FAMILIES

if TYPE_CHECKING:
    from models.train.embedded import TrainingSettings


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """Everything that went in. ``photographs``: file names."""

    teacher: str
    teacher_sha256: str | None
    photographs: tuple[str, ...]
    settings: "TrainingSettings"
    threads: int
    begun_with_sha256: str | None


def model_card(sha256: str, size_bytes: int, made_of: Ingredients, last: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown. ``last``: the last measurement of each stage."""
    distillation, decoding = made_of.settings.distillation, made_of.settings.decoding
    teacher = made_of.teacher
    if made_of.teacher_sha256 is not None:
        teacher += f", sha256 `{made_of.teacher_sha256}`"
    measured = "\n".join(
        f"| {stage} | {name} | {value:.4g} |"
        for stage, row in last.items()
        for name, value in row.items()
        if name not in ("step", "steps")
    )
    begun = made_of.begun_with_sha256
    begin_with = "" if begun is None else " --begin-with FILE"
    began = "" if begun is None else f" FILE of `--begin-with` is an earlier training's, sha256 `{begun}`."
    photographs = ", ".join(made_of.photographs) or "none"
    trained = ", ".join(family for family in FAMILIES if family not in HELD_OUT_FAMILIES)
    return f"""# Model card: the networks of the embedded recipe

File `weights.safetensors`, {size_bytes / 1e6:.1f} MB, half precision, sha256 `{sha256}`.

**What they do.** The student turns a picture into features at strides of 8 and 16 px; the decoder turns features, and
their differences from a line's good parts, into a map of defects. They know no product: what is normal comes from the
line's own references. They are not for finding people, text or anything that is not the surface of a part.

**What they learned from.**
- Teacher of the features: {teacher}. It was used in training only; none of its weights are in the file.
- Public-domain photographs (CC0 1.0, Poly Haven): {photographs}.
- Parts drawn by this project's generator (`models/synth`), families: {trained}. Held out, for choosing only:
  {", ".join(HELD_OUT_FAMILIES)}.
- No picture of any inspection data set, and no label made by people.

**How.** `lineside train embedded --teacher FILE --photos DIR --seed {distillation.seed}
--distillation-steps {distillation.steps} --decoding-steps {decoding.steps} --threads {made_of.threads}{begin_with}`.
The same command on the same revision and kind of CPU gives the same file.{began}

| stage | measured on held-out crops and families | value |
|---|---|---|
{measured}

**Limits.** Trained at 128 to 256 px on drawn defects: a kind of defect that neither looks unlike the references nor
like anything the generator draws is missed. Figures on real parts: see `README.md` beside this card.
"""
