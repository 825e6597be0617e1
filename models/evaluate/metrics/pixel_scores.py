"""Pixel scores of many maps, counted as they come: good pixels, defect pixels, and defect regions of equal weight.

Per-region overlap (Bergmann et al., MVTec AD): at a threshold, the share of each defect region that lies at or above
it, averaged over all regions, whatever their size. A pixel of a region of n pixels therefore weighs 1 / n. AUPRO is the
area under that mean over the false positive rate of good pixels, up to a limit, divided by the limit.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.evaluate.metrics.ranking import Ranking
from models.evaluate.metrics.score_histogram import ScoreHistogram, binned, falling_bins
from wire.errors import ShapeError


class PixelScores:
    """Add maps, add up, read figures."""

    def __init__(self) -> None:
        self.good = ScoreHistogram()
        self.defect = ScoreHistogram()
        self._regions = ScoreHistogram()

    def add(self, anomaly: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
        """Count a map (h, w) against its truth (h, w). ShapeError if they differ, ValueError if not finite."""
        if anomaly.shape != mask.shape:
            raise ShapeError(f"map {anomaly.shape} does not fit a mask of {mask.shape}")
        self.good.add(anomaly[~mask])
        if not mask.any():
            return
        self.defect.add(anomaly[mask])
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        areas = np.asarray(stats)[:, cv2.CC_STAT_AREA]
        self._regions.add(anomaly[mask], 1.0 / areas[np.asarray(labels)[mask]])

    def __add__(self, other: "PixelScores") -> "PixelScores":
        total = PixelScores()
        total.good = self.good + other.good
        total.defect = self.defect + other.defect
        total._regions = self._regions + other._regions
        return total

    def ranking(self) -> Ranking:
        """Pixels by score."""
        edges, (good, defect) = falling_bins([self.good, self.defect])
        return Ranking(good=good, defect=defect, binned=binned(edges))

    def overlap(self) -> Ranking:
        """Regions by score: ``true_rate`` is the mean share of a region that is found."""
        edges, (good, regions) = falling_bins([self.good, self._regions])
        return Ranking(good=good, defect=regions, binned=binned(edges))


def area_to(overlap: Ranking, limit: float) -> float | None:
    """Area under true over false rate from 0 to ``limit`` in (0, 1], divided by ``limit``; None without both labels."""
    if not overlap.has_both:
        return None
    false, true = np.append(0.0, overlap.false_rate), np.append(0.0, overlap.true_rate)
    inside = int(np.searchsorted(false, limit, side="right"))
    # Between two scores both rates move together; the curve is cut where it crosses the limit.
    at_limit = np.interp(limit, false[max(inside - 1, 0) : inside + 1], true[max(inside - 1, 0) : inside + 1])
    area = np.trapezoid(np.append(true[:inside], at_limit), np.append(false[:inside], limit))
    return float(area / limit)
