"""Where a map turns from normal to marked: tau = max(Otsu, normal quantile) (SYSTEMS A.4, Q15)."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

_BINS = 256


class CoarseThreshold(StrEnum):
    """Where a coarse map turns into a mask."""

    MAX_OTSU_NORMAL_QUANTILE = "max_otsu_normal_quantile"
    OTSU = "otsu"  # as printed in 003 Eq. 1: it marks a good part, too
    NORMAL_QUANTILE = "normal_quantile"


def coarse_threshold(coarse: NDArray[np.float32], normal_level: float, mode: CoarseThreshold) -> float:
    """Tau in 003 Eq. 1: a pixel is marked if ``coarse`` lies above it; ``normal_level``: quantile of good parts."""
    if mode is CoarseThreshold.NORMAL_QUANTILE:
        return normal_level
    if mode is CoarseThreshold.OTSU:
        return otsu(coarse)
    return max(otsu(coarse), normal_level)


def otsu(values: NDArray[np.float32]) -> float:
    """The split of (…) values with the largest variance between the two classes, over 256 bins; the value if constant.

    Otsu always splits: on a map without defect it marks about half of it, so it is never used alone.
    """
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return high
    # In float32 there are not 256 numbers between values of a burnt-out picture.
    counts, edges = np.histogram(values.astype(np.float64), bins=_BINS, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = values.size - below
    sums = np.cumsum(counts * centres)
    total = sums[-1]
    sums = sums[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (total - sums) / above) ** 2
    between[(below == 0) | (above == 0)] = 0
    return float(edges[1:-1][int(between.argmax())])


def separation(values: NDArray[np.float32], split: float) -> float:
    """Share of the variance of (…) values that lies between those above and those up to ``split``, 0..1.

    About 0.64 at Otsu's split of plain Gaussian noise, towards 1 for two distinct classes, 0 if one side is empty.
    """
    above = values > split
    share, variance = float(above.mean()), float(values.var())
    if share in (0.0, 1.0) or variance == 0:
        return 0.0
    return share * (1 - share) * float(values[above].mean() - values[~above].mean()) ** 2 / variance


def map_threshold(anomaly: NDArray[np.float32], normal_level: float, image_threshold: float) -> float:
    """Tau for a map whose peak exceeds ``image_threshold``; never above it, so that the peak is always marked."""
    return min(max(otsu(anomaly), normal_level), image_threshold)
