"""The template reporter: one sentence per region and a summary, from a closed vocabulary and the facts alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wire.facts import Direction, Facts, Saliency, Shape
from wire.finding import ModalityState, Mode, Region, Verdict
from wire.inspection import Inspection, ReportedRegion

NAME: Final = "template"

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_SHAPES: dict[Shape, str] = {
    "linear": "linear", "curved": "curved", "elongated": "elongated", "circular": "circular", "irregular": "irregular",
    "fragmented": "fragmented", "network-like": "network-like", "spot-like": "spot-like", "patch-like": "patch-like",
    "diffuse": "diffuse", "unclear": "",
}  # fmt: skip
_DIRECTIONS: dict[Direction, str] = {
    "horizontal": "running horizontally", "vertical": "running vertically", "diagonal": "running diagonally",
    "none": "",
}  # fmt: skip
_CONTRASTS: dict[Saliency, str] = {"low": "low", "medium": "medium", "high": "high"}
_MODALITY_NAMES = {
    "rgb": "colour image", "infrared": "infrared image", "depth": "depth image", "pointcloud": "point cloud",
    "sensor": "sensor data",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Description:
    """A summary of the part and one sentence per region."""

    summary: str
    regions: tuple[ReportedRegion, ...]


def describe(inspection: Inspection) -> Description:
    """Put an inspection into words; the same inspection always gives the same words."""
    return Description(
        summary=_summary(inspection),
        regions=tuple(
            ReportedRegion(region_index=region.index, modality=region.modality, sentence=region_sentence(region))
            for region in inspection.regions
        ),
    )


def region_sentence(region: Region) -> str:
    """One sentence: size, polarity, shape, type, contrast, place, direction, distribution, measures."""
    facts = region.facts
    noun = "defect" if region.type == "unknown" else region.type.replace("_", " ")
    adjectives = [facts.scale, "" if facts.polarity == "neutral" else facts.polarity, _SHAPES[facts.shape]]
    phrase = " ".join(word for word in (*adjectives, noun) if word)
    clauses = [f"{_article(phrase)} {phrase} of {_CONTRASTS[facts.saliency]} contrast"]
    if facts.number not in ("none", "one"):
        clauses.append(f"in {'several' if facts.number == 'multiple' else facts.number} parts")
        if facts.distribution in ("clustered", "scattered"):
            clauses.append(f"({facts.distribution})")
    clauses.append(_place(facts))
    additions = [words for words in (_DIRECTIONS[facts.direction], _measures(facts)) if words]
    return f"{', '.join([_sentence_case(' '.join(clauses)), *additions])}."


def _article(phrase: str) -> str:
    return "an" if phrase[0] in "aeiou" else "a"


def _place(facts: Facts) -> str:
    """The two cells that hold most of it."""
    cells = [("the center" if share.cell == "center" else f"the {share.cell}") for share in facts.position[:2]]
    if not cells:
        return "without a place"
    return f"at {' and '.join(cells)}"


def _measures(facts: Facts) -> str:
    if facts.length_mm is None or facts.area_mm2 is None:
        return ""
    return f"{facts.length_mm:.3g} mm long, {facts.area_mm2:.3g} mm²"


def _summary(inspection: Inspection) -> str:
    pieces = [_verdict_sentence(inspection)]
    marked = _count_regions(inspection.regions)
    if marked:
        pieces.append(marked)
    for state, words in ((ModalityState.MISSING, "missing"), (ModalityState.QUARANTINED, "unreadable")):
        names = [_name(v.modality) for v in inspection.modalities if v.state is state]
        if names:
            pieces.append(f"{_sentence_case(_enumerate(names))} {'was' if len(names) == 1 else 'were'} {words}.")
    if inspection.mode is Mode.ZERO_SHOT and inspection.verdict is not Verdict.UNKNOWN:
        pieces.append("The line has no memory of good parts yet.")
    return " ".join(pieces)


def _verdict_sentence(inspection: Inspection) -> str:
    part = f"Part {inspection.part_id}"
    if inspection.awaits_memory:
        return f"{part} was not judged: the line has no memory of good parts yet."
    if inspection.verdict is Verdict.UNKNOWN:
        return f"{part} could not be judged."
    if inspection.verdict is Verdict.OK:
        return f"{part} shows no defect."
    showing = [_name(v.modality) for v in inspection.modalities if v.verdict is Verdict.DEFECT]
    where = f" in {_enumerate(showing)}" if showing else ""
    return f"{part} is defective: it deviates from good parts{where}."


def _count_regions(regions: Sequence[Region]) -> str:
    if not regions:
        return ""
    if len(regions) == 1:
        return "One region is marked."
    number = _NUMBERS[len(regions)] if len(regions) < len(_NUMBERS) else str(len(regions))
    return f"{_sentence_case(number)} regions are marked."


def _name(modality: str) -> str:
    return f"the {_MODALITY_NAMES.get(modality, modality)}"


def _enumerate(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _sentence_case(text: str) -> str:
    return text[0].upper() + text[1:]
