"""Form of a region in numbers of comparable size, whatever the picture's."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.facts.component_shape import measure
from models.kinds.region_pixels import RegionPixels

NAMES = (
    "area_share", "area_px", "elongation", "solidity", "roundness", "slenderness", "straightness", "branches",
    "pieces", "largest_share", "box_filled", "touched_sides", "touching_share",
)  # fmt: skip


def outline(region: RegionPixels, shrunk: float) -> NDArray[np.float32]:
    """(13,) of a region; ``shrunk``: side of the working picture over the original's."""
    crop = region.cropped()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(crop.astype(np.uint8), connectivity=8)
    areas = np.asarray(stats)[1:, cv2.CC_STAT_AREA]
    largest = measure(np.asarray(labels == 1 + int(areas.argmax())))
    area = int(crop.sum())
    height, width = region.size
    at_sides = [
        int(side.sum()) for side in (region.y == 0, region.y == height - 1, region.x == 0, region.x == width - 1)
    ]
    return np.array(
        [
            math.log10(area / (height * width)),
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
            sum(pixels > 0 for pixels in at_sides),
            min(sum(at_sides) / math.sqrt(area), 4.0),
        ],
        np.float32,
    )
