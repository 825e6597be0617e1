"""Large pictures as overlapping tiles, and their maps as one map again, without seams.

A backbone sees a frame of some 240 px: a picture of 4000 px squeezed into it has no scratch of 2 px left. Tiles are
cut at the detail that the backbone was made for, and every map value between two tiles is a blend of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models.settings import PartSettings

Map = NDArray[np.float32]


class Tiling(PartSettings):
    """``tile_px``: side of a tile; ``overlap``: share of it that neighbours have in common, at least.

    Pictures of up to ``whole_up_to`` tiles a side are seen whole: little is lost, and one pass is enough.
    """

    tile_px: int = Field(ge=16)
    overlap: float = Field(default=0.25, ge=0, le=0.5)
    whole_up_to: float = Field(default=1.5, ge=1)


@dataclass(frozen=True, kw_only=True)
class Window:
    """The part of a picture that one tile shows, in px. ``top`` and ``left`` are multiples of the maps' stride."""

    top: int
    left: int
    height: int
    width: int

    def of(self, pixels: Map) -> Map:
        """Cut (…, H, W)."""
        return pixels[..., self.top : self.top + self.height, self.left : self.left + self.width]


def windows_of(size: tuple[int, int], tiling: Tiling | None, *, stride_px: int) -> list[Window]:
    """Tiles of a picture of ``size`` (H, W), row by row; one that shows all of it where tiles are not needed."""
    height, width = size
    if tiling is None or max(size) <= tiling.whole_up_to * tiling.tile_px:
        return [Window(top=0, left=0, height=height, width=width)]
    rows, columns = (_spans(side, tiling, stride_px) for side in size)
    return [Window(top=top, left=left, height=tall, width=wide) for top, tall in rows for left, wide in columns]


def stitched(maps: Sequence[Map], windows: Sequence[Window], size: tuple[int, int], *, stride_px: int) -> Map:
    """Maps (h, w) over their windows -> one over the picture, a value per ``stride_px`` px: (⌈H/s⌉, ⌈W/s⌉).

    A tile counts less towards its rim, where it has a neighbour; at the picture's own rim it counts in full.
    """
    shape = (-(-size[0] // stride_px), -(-size[1] // stride_px))
    total, weights = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for values, window in zip(maps, windows, strict=True):
        own = _resampled(values, window, stride_px)
        top, left = window.top // stride_px, window.left // stride_px
        at = (slice(top, top + own.shape[0]), slice(left, left + own.shape[1]))
        weight = np.minimum.outer(
            _ramp(own.shape[0], before=window.top > 0, after=window.top + window.height < size[0]),
            _ramp(own.shape[1], before=window.left > 0, after=window.left + window.width < size[1]),
        )
        total[at] += weight * own
        weights[at] += weight
    return total / weights


def _spans(side: int, tiling: Tiling, stride_px: int) -> list[tuple[int, int]]:
    """(begin, length) along one side, evenly spread; the last one ends with the picture."""
    tile = max(1, tiling.tile_px // stride_px) * stride_px
    if side <= tile:
        return [(0, side)]
    count = int(np.ceil((side - tile) / (tile * (1 - tiling.overlap)))) + 1
    # Rounded down to the stride, so that neighbours overlap more rather than less.
    begins = [int(i * (side - tile) / (count - 1)) // stride_px * stride_px for i in range(count)]
    return [(begin, tile if begin < begins[-1] else side - begin) for begin in begins]


def _resampled(values: Map, window: Window, stride_px: int) -> Map:
    """Bilinear between the centres of ``values``, at the centres of the stride's cells."""
    rows, columns = (
        (np.arange(-(-side // stride_px), dtype=np.float32) + 0.5) * stride_px * (cells / side) - 0.5
        for side, cells in zip((window.height, window.width), values.shape, strict=True)
    )
    grid_x, grid_y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    return np.asarray(
        cv2.remap(values, grid_x, grid_y, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _ramp(length: int, *, before: bool, after: bool) -> Map:
    """Weights along one side: 1 in the middle, falling towards a rim that has a neighbour, never 0."""
    at = np.arange(length, dtype=np.float32) + 0.5
    weight = np.full(length, length / 4, np.float32)
    if before:
        weight = np.minimum(weight, at)
    if after:
        weight = np.minimum(weight, length - at)
    return np.asarray(weight / (length / 4), np.float32)
