"""The decoder's curriculum: what each of its trainings shows it, the plain first."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class CurriculumStage:
    """What a training shows, and what it asks for.

    ``weathered``: share of lines with references whose parts carry streaks, smudges, specks, shaded borders and a
    brightness of their own, all allowed. ``uneven``: share of defective parts that have nothing but uneven regions: a
    good surface in itself and only unlike the rest, the hardest to learn. ``stained``: share of those that have nothing
    but a few large stains, rust or foreign colour: seen without references, much of a part looks as if it had to be so.
    ``context``: every place sees the whole part; a decoder that learns without it first sees more where nothing is
    remembered. ``averaged_from``: share of its steps, 0 to below 1, after which weights count for the mean that comes
    out.
    """

    weathered: float
    uneven: float
    stained: float
    context: bool
    averaged_from: float


CURRICULUM: Final = (
    CurriculumStage(weathered=0.0, uneven=0.0, stained=0.0, context=False, averaged_from=0.25),
    CurriculumStage(weathered=0.75, uneven=0.3, stained=0.15, context=True, averaged_from=0.65),
)


def stage_of(number: int) -> CurriculumStage:
    """By its number, from 1."""
    return CURRICULUM[number - 1]
