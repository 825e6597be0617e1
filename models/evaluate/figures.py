"""Figures of merit of one group of images, their mean over groups, their spread over draws."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.evaluate.metrics.pixel_scores import PixelScores, area_to
from models.evaluate.metrics.ranking import Ranking

# Name → title; the order of tables.
METRICS: Final = {
    "image_auroc": "image AUROC",
    "image_ap": "image AP",
    "image_max_f1": "image F1",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "pixel AP",
    "pixel_max_f1": "pixel F1",
    "aupro_30": "AUPRO .30",
    "aupro_05": "AUPRO .05",
}
_AUPRO_LIMITS: Final = (0.30, 0.05)


class Figures(BaseModel):
    """None = not applicable: one of the two labels does not occur, or the data set has no masks."""

    model_config = ConfigDict(frozen=True)

    image_auroc: float | None = None
    image_ap: float | None = None
    image_max_f1: float | None = None
    pixel_auroc: float | None = None
    pixel_ap: float | None = None
    pixel_max_f1: float | None = None
    aupro_30: float | None = None
    aupro_05: float | None = None
    # How far the binned pixel AUROC can lie from that of the unbinned scores.
    pixel_auroc_tolerance: float | None = None

    def values(self) -> dict[str, float | None]:
        """The eight figures by name."""
        return {name: getattr(self, name) for name in METRICS}


class Spread(BaseModel):
    """Mean and sample standard deviation (None from a single one) over ``count`` draws."""

    model_config = ConfigDict(frozen=True)

    mean: float
    std: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """ValueError without values."""
        if not values:
            raise ValueError("no values")
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return cls(mean=float(np.mean(values)), std=spread, count=len(values))


def figures_of(good: Sequence[float], defect: Sequence[float], pixels: PixelScores | None) -> Figures:
    """From image scores of good and defective parts, exactly, and from pixel scores where there are masks."""
    images = Ranking.of_scores(np.asarray(good, np.float64), np.asarray(defect, np.float64))
    found: dict[str, float | None] = {
        "image_auroc": images.auroc(),
        "image_ap": images.average_precision(),
        "image_max_f1": images.max_f1(),
    }
    if pixels is not None:
        ranking, overlap = pixels.ranking(), pixels.overlap()
        found |= {
            "pixel_auroc": ranking.auroc(),
            "pixel_ap": ranking.average_precision(),
            "pixel_max_f1": ranking.max_f1(),
            "pixel_auroc_tolerance": ranking.auroc_tolerance(),
            **{f"aupro_{round(limit * 100):02d}": area_to(overlap, limit) for limit in _AUPRO_LIMITS},
        }
    return Figures.model_validate(found)


def mean_of(groups: Iterable[Figures]) -> Figures:
    """Macro average: each figure's mean over the groups that have it; tolerances are the largest."""
    each = list(groups)
    found: dict[str, float | None] = {}
    for name in METRICS:
        values = [value for figures in each if (value := getattr(figures, name)) is not None]
        found[name] = float(np.mean(values)) if values else None
    tolerances = [figures.pixel_auroc_tolerance for figures in each if figures.pixel_auroc_tolerance is not None]
    return Figures.model_validate({**found, "pixel_auroc_tolerance": max(tolerances, default=None)})


def spread_of(draws: Sequence[Figures]) -> dict[str, Spread]:
    """Each figure over the draws that have it; figures that no draw has are left out."""
    spreads = {}
    for name in METRICS:
        values = [value for figures in draws if (value := getattr(figures, name)) is not None]
        if values:
            spreads[name] = Spread.of(values)
    return spreads
