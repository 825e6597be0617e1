"""Which cells of the feature grid a region covers, and which lie around it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.backbones.student import FINE_STRIDE_PX
from models.kinds.region_pixels import RegionPixels
from models.kinds.seen_picture import SeenPicture

# A ring as wide as half the region is, within these limits (cells of 8 px): a scratch needs a few cells around it, and
# beyond 64 px lies another part of the part.
_NARROWEST, _WIDEST = 2, 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Neighbourhood:
    """``inside``, ``around`` (h, w) float32 on the fine grid, each of sum 1: shares of the region and of its ring.

    Where there is nothing around, ``around`` is ``inside``: then nothing differs. ``ring`` (h, w) bool.
    """

    inside: NDArray[np.float32]
    around: NDArray[np.float32]
    ring: NDArray[np.bool_]


def neighbourhoods(seen: SeenPicture, regions: Sequence[RegionPixels]) -> list[Neighbourhood]:
    """Of some regions of the picture."""
    grid = (int(seen.features.fine.shape[-2]), int(seen.features.fine.shape[-1]))
    height, width = seen.pixels.shape[-2:]
    y, x = np.nonzero(seen.numbers)
    marked = cells(RegionPixels(y=y, x=x, size=_size(seen)), grid, (height, width)) > 0
    found = []
    for region in regions:
        inside = cells(region, grid, (height, width))
        own = inside > 0
        radius = int(np.clip(round(float(own.sum()) ** 0.5 / 2), _NARROWEST, _WIDEST))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        near = np.asarray(cv2.dilate(own.astype(np.uint8), disc)).astype(np.bool_)
        # Other regions are no surroundings, unless there is nothing else.
        ring = near & ~marked if bool((near & ~marked).any()) else near & ~own
        around = ring.astype(np.float32) / np.float32(ring.sum()) if ring.any() else inside
        found.append(Neighbourhood(inside=inside, around=around, ring=ring))
    return found


def cells(region: RegionPixels, grid: tuple[int, int], worked: tuple[int, int]) -> NDArray[np.float32]:
    """Share of a region in each cell of the grid over the working picture ``worked``; zeros of an empty one."""
    y, x = region.on_working_picture(worked)
    places = y // FINE_STRIDE_PX * grid[1] + x // FINE_STRIDE_PX
    counts = np.bincount(places, minlength=grid[0] * grid[1]).reshape(grid)
    return (counts / max(len(y), 1)).astype(np.float32)


def _size(seen: SeenPicture) -> tuple[int, int]:
    return int(seen.numbers.shape[0]), int(seen.numbers.shape[1])
