"""Two sides of one benchmark, measured alternately, and the ratio that counts."""

from enum import StrEnum
from statistics import median

from pydantic import BaseModel, ConfigDict, Field, computed_field


class Direction(StrEnum):
    """Which side of its aim a ratio should be on."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Comparison(BaseModel):
    """``product`` and ``baseline`` hold one value per repetition, in ``unit``; neighbours were measured in a row.

    ``note``: what the figures alone do not tell (where the time went).
    """

    model_config = ConfigDict(frozen=True)

    name: str
    unit: str
    product_side: str
    baseline_side: str
    product: tuple[float, ...] = Field(min_length=1)
    baseline: tuple[float, ...] = Field(min_length=1)
    aim: float
    direction: Direction
    note: str = ""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way to put a property into JSON
    @property
    def ratios(self) -> tuple[float, ...]:
        """Product / baseline, one per repetition."""
        return tuple(mine / bare for mine, bare in zip(self.product, self.baseline, strict=True))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ratio(self) -> float:
        """The median ratio: one disturbed repetition does not move it."""
        return median(self.ratios)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def met(self) -> bool:
        """Whether the median ratio reaches the aim."""
        return self.ratio >= self.aim if self.direction is Direction.AT_LEAST else self.ratio <= self.aim
