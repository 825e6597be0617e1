"""Truth at the evaluation's resolution.

Which values are defect. A mask whose largest value lies above half of its range (127 of 8 bit) is an intensity with
soft or lossy edges: above half is defect. Any other one holds labels (1, 2, 3): above 0 is defect. Colour masks count
by their largest channel. A stated value (``mask_above``) replaces the rule.

How it is resized. A target pixel is defect if at least half of its area is; each 8-connected region that would vanish
keeps the pixel of which it covers most, so that no defect is lost by looking coarsely.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def defect_pixels(values: NDArray[np.uint8] | NDArray[np.uint16], mask_above: int | None = None) -> Mask:
    """(H, W, 3) label or intensity values -> (H, W) bool, by the rule above."""
    peak = values.max(axis=2)
    if mask_above is not None:
        return np.asarray(peak > mask_above)
    half = np.iinfo(values.dtype).max // 2
    return np.asarray(peak > (half if int(peak.max()) > half else 0))


def resize_mask(mask: Mask, resolution: int) -> Mask:
    """(H, W) -> (resolution, resolution) by the rule above."""
    height, width = mask.shape
    if (height, width) == (resolution, resolution):
        return mask
    shrinks = height >= resolution and width >= resolution
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    share = np.asarray(cv2.resize(mask.astype(np.float32), (resolution, resolution), interpolation=way))
    small = share >= 0.5
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    rows, columns = np.nonzero(mask)
    targets = rows * resolution // height * resolution + columns * resolution // width
    flat = small.reshape(-1)
    owners = np.asarray(labels, np.intp)[rows, columns]
    survives = np.bincount(owners, flat[targets], minlength=count) > 0
    for label in np.flatnonzero(~survives[1:]) + 1:
        places, covered = np.unique(targets[owners == label], return_counts=True)
        flat[places[covered.argmax()]] = True
    return small
