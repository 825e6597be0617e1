"""How a camera image becomes the frame that a network sees, and the way back, exact to a fraction of a pixel."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from wire.errors import ShapeError
from wire.image_codec import Image

Map = NDArray[np.float32]


class Fit(StrEnum):
    """What becomes of an image whose aspect is not the frame's."""

    SQUASH = "squash"  # both sides scaled by themselves: everything is seen, nothing is wasted
    PAD = "pad"  # the longest side fills the frame, the rest lies at the bottom or right (SAM)
    LETTERBOX = "letterbox"  # as PAD, centred
    CROP = "crop"  # the shortest side fills the frame, what lies beyond the centre is not seen


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One image of ``camera`` (H, W) px, scaled to ``scaled`` (h, w) px, whose corner lies at ``corner`` (y, x).

    The corner is in the frame of ``frame`` (h, w) px and negative where the image is cropped. A point at (y, x) of the
    camera image, with pixel centres at halves, lies at y * scaled / camera + corner in the frame.
    """

    camera: tuple[int, int]
    scaled: tuple[int, int]
    corner: tuple[int, int]
    frame: tuple[int, int]

    @property
    def seen(self) -> tuple[slice, slice]:
        """The part of the frame that shows the image."""
        (top, left), (height, width), (rows, columns) = self.corner, self.scaled, self.frame
        return slice(max(top, 0), min(top + height, rows)), slice(max(left, 0), min(left + width, columns))

    def box_to_frame(self, xyxy_px: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """A box of the camera image in the frame."""
        (y, x), (top, left) = self._scale(), self.corner
        x0, y0, x1, y1 = xyxy_px
        return x0 * x + left, y0 * y + top, x1 * x + left, y1 * y + top

    def box_to_camera(self, xyxy_px: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """A box of the frame in the camera image; may reach beyond it."""
        (y, x), (top, left) = self._scale(), self.corner
        x0, y0, x1, y1 = xyxy_px
        return (x0 - left) / x, (y0 - top) / y, (x1 - left) / x, (y1 - top) / y

    def to_camera(self, values: Map, *, outside: float = 0.0) -> Map:
        """(h, w) values of any resolution over the whole frame -> (H, W), bilinear between their centres.

        ``outside``: of pixels that the frame does not show.
        """
        # Centre of camera pixel i: (i + 1/2) * scale + corner in frame px, times cells per px, minus half a cell.
        cells = (values.shape[0] / self.frame[0], values.shape[1] / self.frame[1])
        rows, columns = (
            ((np.arange(side) + 0.5) * scale + corner) * cell - 0.5
            for side, scale, corner, cell in zip(self.camera, self._scale(), self.corner, cells, strict=True)
        )
        grid_x, grid_y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
        full = np.asarray(
            cv2.remap(values, grid_x, grid_y, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
            np.float32,
        )
        inside_rows = (rows > -0.5) & (rows < values.shape[0] - 0.5)
        inside_columns = (columns > -0.5) & (columns < values.shape[1] - 0.5)
        return np.where(inside_rows[:, None] & inside_columns[None, :], full, np.float32(outside))

    def _scale(self) -> tuple[float, float]:
        return self.scaled[0] / self.camera[0], self.scaled[1] / self.camera[1]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """pixels (3, h, w) float32 in [0, 1], red, green, blue: the frame, 0 where there is no image."""

    pixels: Map
    placement: Placement


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The frame (h, w) px of a network. mean and std are of pixels in [0, 1]; the backbone itself normalises."""

    frame: tuple[int, int]
    fit: Fit
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def placement(self, height: int, width: int) -> Placement:
        """Where an image of that size comes to lie."""
        rows, columns = self.frame
        if self.fit is Fit.SQUASH:
            return Placement(camera=(height, width), scaled=self.frame, corner=(0, 0), frame=self.frame)
        factors = (rows / height, columns / width)
        factor = max(factors) if self.fit is Fit.CROP else min(factors)
        scaled = (max(1, round(height * factor)), max(1, round(width * factor)))
        corner = (0, 0)
        if self.fit is not Fit.PAD:
            corner = ((rows - scaled[0]) // 2, (columns - scaled[1]) // 2)
        return Placement(camera=(height, width), scaled=scaled, corner=corner, frame=self.frame)

    def prepare(self, image: Image) -> Prepared:
        """(H, W, 3) RGB uint8 or uint16 -> the frame. ShapeError for anything else."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16):
            expected = "expected (H, W, 3) uint8 or uint16"
            raise ShapeError(f"image has shape {image.shape} and type {image.dtype}, {expected}")
        full_scale = np.float32(255 if image.dtype == np.uint8 else 65535)
        return self.frame_of(np.asarray(image.astype(np.float32) / full_scale, np.float32))

    def frame_of(self, pixels: Map) -> Prepared:
        """(H, W, 3) in [0, 1] -> the frame."""
        placement = self.placement(pixels.shape[0], pixels.shape[1])
        scaled = resize(pixels, placement.scaled).transpose(2, 0, 1)
        framed = np.zeros((3, *self.frame), np.float32)
        rows, columns = placement.seen
        top, left = placement.corner
        framed[:, rows, columns] = scaled[
            :, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
        return Prepared(pixels=framed, placement=placement)


def resize(pixels: Map, size: tuple[int, int]) -> Map:
    """(H, W, C) -> (*size, C): averaged over areas where it shrinks, bicubic where it grows; stays within [0, 1].

    Bicubic without averaging, as in some published loaders, lets fine texture alias into patterns of its own.
    """
    if pixels.shape[:2] == size:
        return pixels
    shrinks = size[0] * size[1] < pixels.shape[0] * pixels.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (size[1], size[0]), interpolation=method), np.float32).clip(0, 1)
