"""Sharpen a coarse region to the pixels that stand out from its surroundings.

The detector sees patches of 8 x 8 px, so a scratch of 2 px comes as a band of 20. Where the pixels themselves differ
from those around the region and fall into two clear classes, the region shrinks to the outstanding ones; where they do
not (a missing mark, a changed texture), it stays.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.ground.threshold import otsu, separation
from models.settings import PartSettings


class LocalContrastSettings(PartSettings):
    """``margin_px`` of surroundings, ``smoothing_px`` before comparing; ``least_sigma`` a pixel must stand out.

    ``floor``: smallest spread of the surroundings that is believed, per unit of a plane. ``least_separation`` of the
    two classes (0.64 = plain noise) and ``least_share`` of the region must be reached, else it stays as it is.
    """

    margin_px: int
    smoothing_px: float
    least_sigma: float
    floor: float
    least_separation: float
    least_share: float


def sharpen(
    region: NDArray[np.bool_],
    marked: NDArray[np.bool_],
    anomaly: NDArray[np.float32],
    planes: NDArray[np.float32],
    settings: LocalContrastSettings,
) -> NDArray[np.bool_]:
    """(H, W) bool, a part of ``region`` (H, W) and never empty unless it was.

    ``marked`` (H, W): all regions, none of which counts as surroundings; ``anomaly`` (H, W): the map, which is high
    where the defect is and low at a good part's own edges nearby; planes (P, H, W).
    """
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if rows.size == 0:
        return region
    margin = settings.margin_px
    box = np.s_[
        max(rows[0] - margin, 0) : rows[-1] + margin + 1,
        max(columns[0] - margin, 0) : columns[-1] + margin + 1,
    ]
    around, inside = ~marked[box], region[box]
    if 4 * int(around.sum()) <= int(inside.sum()):
        return region
    contrast = np.zeros(inside.shape, np.float32)
    for plane in planes[(slice(None), *box)]:
        smooth = np.asarray(cv2.GaussianBlur(plane, (0, 0), settings.smoothing_px), np.float32)
        level = float(np.median(smooth[around]))
        spread = max(1.4826 * float(np.median(np.abs(smooth[around] - level))), settings.floor)
        np.maximum(contrast, np.abs(smooth - level) / np.float32(spread), out=contrast)
    limit = max(otsu(contrast[inside]), settings.least_sigma)
    if separation(contrast[inside], limit) < settings.least_separation:
        return region
    kept = _pieces(inside & (contrast > limit), anomaly[box], float(anomaly[region].mean()))
    if int(kept.sum()) < settings.least_share * int(inside.sum()):
        return region
    sharp = np.zeros_like(region)
    sharp[box] = kept
    return sharp


def _pieces(mask: NDArray[np.bool_], anomaly: NDArray[np.float32], level: float) -> NDArray[np.bool_]:
    """The pieces on which the map averages at least ``level``, without those below a tenth of the largest one."""
    _, raw_labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    labels, areas = np.asarray(raw_labels), np.asarray(stats)[:, cv2.CC_STAT_AREA].astype(np.float64)
    means = np.bincount(labels.ravel(), weights=anomaly.ravel(), minlength=len(areas)) / areas
    keep = means >= level
    keep[0] = False
    keep &= areas * 10 >= areas[keep].max(initial=1)
    return np.asarray(keep[labels])
