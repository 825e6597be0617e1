"""How the pages say things: verdicts, scores, spans, counts."""

from dashboard.api.documents import defect_types
from wire.finding import Mode, Verdict
from wire.inspection import Inspection

_WORDS = {Verdict.OK: "OK", Verdict.DEFECT: "DEFECT", Verdict.UNKNOWN: "UNKNOWN"}
MODES = {Mode.MEMORY: "memory of good parts", Mode.ZERO_SHOT: "zero-shot (no memory yet)"}


def verdict_word(inspection: Inspection) -> str:
    """The verdict in one word; a part without one because its line still learns is no mystery."""
    return "LEARNING" if inspection.awaits_memory else _WORDS[inspection.verdict]


def score_text(score: float | None) -> str:
    """Three significant digits; a dash where nothing was judged."""
    return "–" if score is None else f"{score:.3g}"


def level(score: float | None, threshold: float | None) -> float:
    """Length of a bar in [0, 1] on which the threshold lies in the middle."""
    if score is None or not threshold:
        return 0.0
    return max(0.0, min(1.0, score / (2 * threshold)))


def types_text(inspection: Inspection) -> str:
    """Defect types of a part, else how many regions, else which modalities flagged it without a place to show."""
    known = [name for name in defect_types(inspection) if name != "unknown"]
    count = len(inspection.regions)
    if known:
        return ", ".join(known)
    if count:
        return f"{count} region{'' if count == 1 else 's'}"
    return ", ".join(it.modality for it in inspection.modalities if it.verdict is Verdict.DEFECT)


def seconds_text(seconds: float | None) -> str:
    """A duration a person can read."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def percent_text(share: float | None) -> str:
    """A share as per cent with as many digits as matter."""
    if share is None:
        return "–"
    return f"{share * 100:.1f}" if share < 0.1 else f"{share * 100:.0f}"


def product_text(product: str) -> str:
    """A product's name; lines without products have one."""
    return product or "(no product)"
