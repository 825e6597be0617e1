"""Form of a region in numbers of comparable size, whatever the picture's."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.facts.component_shape import measure

NAMES = (
    "area_share", "area_px", "elongation", "solidity", "roundness", "slenderness", "straightness", "branches",
    "pieces", "largest_share", "box_filled", "touched_sides", "touching_share",
)  # fmt: skip


def outline(mask: NDArray[np.bool_], shrunk: float) -> NDArray[np.float32]:
    """(13,) of a non-empty mask (H, W); ``shrunk``: side of the working picture over the original's."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    crop = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(crop.astype(np.uint8), connectivity=8)
    areas = np.asarray(stats)[1:, cv2.CC_STAT_AREA]
    largest = measure(np.asarray(labels == 1 + int(areas.argmax())))
    area = int(crop.sum())
    touched = (rows[0] == 0, rows[-1] == mask.shape[0] - 1, columns[0] == 0, columns[-1] == mask.shape[1] - 1)
    border = int(mask[0].sum() + mask[-1].sum() + mask[:, 0].sum() + mask[:, -1].sum())
    return np.array(
        [
            math.log10(area / mask.size),
            math.log10(area * shrunk**2),
            math.log(largest.elongation),
            largest.solidity,
            largest.roundness,
            math.log(max(largest.slenderness, 1e-3)),
            largest.straightness,
            min(largest.branches, 5),
            math.log(count - 1),
            largest.area_px / area,
            area / crop.size,
            sum(touched),
            min(border / math.sqrt(area), 4.0),
        ],
        np.float32,
    )
