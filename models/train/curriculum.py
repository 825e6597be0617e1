"""The decoder's curriculum: what each of its trainings shows it, the plain first."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class CurriculumStage:
    """What a training shows, and what it asks for.

    ``uneven``: share of defective parts that have nothing but uneven regions: a good surface in itself and only unlike
    the rest, the hardest to learn. ``context``: every place sees the whole part; a decoder that learns without it first
    sees more where nothing is remembered.
    """

    uneven: float
    context: bool


CURRICULUM: Final = (
    CurriculumStage(uneven=0.0, context=False),
    CurriculumStage(uneven=0.15, context=True),
)


def stage_of(number: int) -> CurriculumStage:
    """By its number, from 1."""
    return CURRICULUM[number - 1]
