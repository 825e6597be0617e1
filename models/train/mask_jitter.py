"""Truth masks made as imprecise as a detector's."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_DISC = cv2.MORPH_ELLIPSE
# How a mask is disturbed, and how often.
_WAYS, _P_WAYS = ("as drawn", "grown", "shrunk", "blocky"), (0.3, 0.3, 0.1, 0.3)
# Cells of a detector's map: 4 px, and up to 4 of them where a feature sees far.
_BLOCKS_PX = (4, 8, 16)


def jittered(mask: Mask, rng: Generator) -> Mask:
    """(H, W) -> (H, W): as drawn, grown, shrunk, or in blocks of a map's cells; never empty unless it was."""
    way = rng.choice(_WAYS, p=_P_WAYS)
    radius = int(rng.integers(1, 7))
    disc = cv2.getStructuringElement(_DISC, (2 * radius + 1, 2 * radius + 1))
    own = mask.astype(np.uint8)
    changed = mask
    if way == "grown":
        changed = np.asarray(cv2.dilate(own, disc)) > 0
    elif way == "shrunk":
        changed = np.asarray(cv2.erode(own, disc[:3, :3])) > 0
    elif way == "blocky":
        changed = _blocky(mask, int(rng.choice(_BLOCKS_PX)))
    return changed if changed.any() else mask


def _blocky(mask: Mask, block_px: int) -> Mask:
    height, width = mask.shape
    size = (max(1, width // block_px), max(1, height // block_px))
    share = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA))
    smooth = np.asarray(cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR))
    return np.asarray(smooth > 0.5 * float(share.max(initial=0)))
