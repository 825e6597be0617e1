"""Images as planes in [0, 1], at bounded resolution: intensity and colour opponents, or red, green, blue."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from wire.errors import ShapeError
from wire.line_state import LineSpec

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Planes:
    """values (P, h, w) float32; ``valid`` (h, w) bool where the sensor had a return; ``size`` the original (H, W).

    ``spec``: what people said of the line, where they said anything; ``learned_words``: the file that it names.
    """

    values: Array
    size: tuple[int, int]
    valid: NDArray[np.bool_] | None = None
    spec: LineSpec | None = None
    learned_words: bytes = b""


def opponent_planes(image: NDArray[np.uint8] | NDArray[np.uint16], *, max_pixels: int) -> Planes:
    """(H, W, 3) RGB uint8 or uint16 -> three planes: intensity, red-green, yellow-blue; shrunk to ``max_pixels``."""
    height, width = image.shape[:2]
    rgb = shrink(_in_unit_range(image), max_pixels)
    red, green, blue = rgb[:, :, 0], rgb[:, :, 1], rgb[:, :, 2]
    intensity = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    values = np.stack([intensity, red - green, (red + green) / 2 - blue])
    return Planes(values=values.astype(np.float32, copy=False), size=(height, width))


def rgb_planes(image: NDArray[np.uint8] | NDArray[np.uint16], *, least_pixels: int, max_pixels: int) -> Planes:
    """(H, W, 3) RGB uint8 or uint16 -> red, green, blue in [0, 1].

    Shrunk to ``max_pixels`` or enlarged to ``least_pixels``, at most twofold: beyond that there is no more to see.
    """
    rgb = shrink(_in_unit_range(image), max_pixels)
    height, width = rgb.shape[:2]
    factor = min(2.0, (least_pixels / (height * width)) ** 0.5)
    if factor > 1:
        size = (round(width * factor), round(height * factor))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR), np.float32)
    values = np.ascontiguousarray(rgb.transpose(2, 0, 1))
    return Planes(values=values, size=(image.shape[0], image.shape[1]))


def stretched(planes: Planes, multiple_px: int) -> Planes:
    """Enlarged, each way by itself, to the next multiple of ``multiple_px``; the same object if that changes nothing.

    For networks that see nothing else. Padding would be seen as a part of the part: it moves means and enters memories.
    """
    height, width = planes.values.shape[-2:]
    size = (width + -width % multiple_px, height + -height % multiple_px)
    if size == (width, height):
        return planes
    values = np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in planes.values])
    valid = None
    if planes.valid is not None:
        # A pixel beside a hole is mixed with what stands there: not valid.
        share = cv2.resize(planes.valid.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        valid = np.asarray(share > 0.999, np.bool_)
    return replace(planes, values=np.asarray(values, np.float32), valid=valid)


def mirror_image(planes: Planes, axes: tuple[int, ...]) -> Planes:
    """Turned round along ``axes`` of (h, w): -1 left to right, -2 upside down."""
    valid = None if planes.valid is None else np.ascontiguousarray(np.flip(planes.valid, axes))
    return replace(planes, values=np.ascontiguousarray(np.flip(planes.values, axes)), valid=valid)


def on_camera_grid(planes: Planes) -> Array | None:
    """Values (P, H, W) on the camera's own pixels, None if the planes are coarser than these."""
    height, width = planes.values.shape[-2:]
    if height < planes.size[0] or width < planes.size[1]:
        return None
    if (height, width) == planes.size:
        return planes.values
    size = (planes.size[1], planes.size[0])
    return np.stack([np.asarray(cv2.resize(p, size, interpolation=cv2.INTER_AREA), np.float32) for p in planes.values])


def shrink(pixels: Array, max_pixels: int) -> Array:
    """Area-average (h, w) or (h, w, c) so that h x w <= ``max_pixels``; unchanged if it is."""
    height, width = pixels.shape[:2]
    if height * width <= max_pixels:
        return pixels
    factor = (max_pixels / (height * width)) ** 0.5
    size = (max(1, int(width * factor)), max(1, int(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float32)


def _in_unit_range(image: NDArray[np.uint8] | NDArray[np.uint16]) -> Array:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16):
        raise ShapeError(f"image has shape {image.shape} and type {image.dtype}, expected (H, W, 3) uint8 or uint16")
    full_scale = np.float32(255 if image.dtype == np.uint8 else 65535)
    return np.asarray(image.astype(np.float32) / full_scale, np.float32)
