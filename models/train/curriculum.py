"""The decoder's curriculum: what each of its trainings shows it, the plain first."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class CurriculumStage:
    """What a training shows, and what it asks for.

    ``weathered``: share of lines whose parts carry streaks, smudges, specks and shaded borders that are allowed.
    ``uneven``: share of defective parts that have nothing but uneven regions: a good surface in itself and only unlike
    the rest, the hardest to learn. ``balanced``: small defects weigh as much as large ones. ``context``: every place
    sees the whole part; a decoder that learns without it first sees more where nothing is remembered.
    """

    weathered: float
    uneven: float
    balanced: bool
    context: bool


# What the shipped decoder went through (embedded/MODEL_CARD.md); before its last training less was weathered on a line.
CURRICULUM: Final = (
    CurriculumStage(weathered=0.0, uneven=0.0, balanced=False, context=False),
    CurriculumStage(weathered=0.65, uneven=0.0, balanced=False, context=False),
    CurriculumStage(weathered=0.65, uneven=0.15, balanced=False, context=True),
    CurriculumStage(weathered=0.85, uneven=0.1, balanced=True, context=True),
)


def stage_of(number: int) -> CurriculumStage:
    """By its number, from 1."""
    return CURRICULUM[number - 1]
