"""A coarse mask as a prompt for SAM: the mask itself, a box around it, or points within it (SYSTEMS A.4.2)."""

from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

PromptKind = Literal["mask", "box", "points"]

# SAM was trained on masks in logits of its own: 8 is sure, and still moved by what the picture shows.
MASK_LOGIT: Final = 8.0


def mask_logits(mask: NDArray[np.bool_], side: int) -> NDArray[np.float32]:
    """Mask (S, S) in SAM's frame -> logits (side, side): +8 inside, -8 outside, between them in shares of the pixel."""
    share = cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray((2 * share - 1) * MASK_LOGIT, np.float32)


def box_of(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """``xyxy_px`` (4,) around a mask that is not empty, right and lower edge included, as SAM counts."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1], rows[-1]], np.float32)


def points_in(mask: NDArray[np.bool_], count: int) -> NDArray[np.float32]:
    """``count`` points (x, y) (count, 2) in a mask that is not empty, the deepest first, then far from one another.

    A mask of fewer pixels gives some of them again.
    """
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rows, columns = np.nonzero(mask)
    inside = np.stack([columns, rows], axis=1).astype(np.float32)
    depths = depth[rows, columns]
    chosen = [int(depths.argmax())]
    apart = np.linalg.norm(inside - inside[chosen[0]], axis=1)
    while len(chosen) < count:
        # Deep inside and far from the others: either alone would pick the rim or one spot.
        farthest = int((apart * np.sqrt(depths)).argmax())
        chosen.append(farthest)
        apart = np.minimum(apart, np.linalg.norm(inside - inside[farthest], axis=1))
    return inside[chosen]
