"""One image as three pictures side by side: itself, with the truth outlined, its map in colours of a given scale."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.evaluate.evaluator import Seen
from wire.image_codec import encode_jpeg, to_u8

_SIDE_PX: Final = 220
_GAP_PX: Final = 4
_OUTLINE_RGB: Final = (0, 230, 160)
_COLOURS: Final = cv2.COLORMAP_INFERNO

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Map values that are drawn black and brightest: the same for every image of a run."""

    low: float
    high: float


def map_strip(seen: Seen, scale: Scale) -> bytes:
    """JPEG of the three pictures; what lies beyond the scale has the colour of its end."""
    height, width = seen.image.shape[:2]
    factor = _SIDE_PX / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    image = np.asarray(cv2.resize(to_u8(seen.image), size, interpolation=way), np.uint8)
    marked, heat = image.copy(), _heat(seen.anomaly, scale, size)
    if seen.mask is not None and seen.mask.any():
        mask = cv2.resize(seen.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for picture in (marked, heat):
            cv2.drawContours(picture, outlines, -1, _OUTLINE_RGB, 1)
    gap = np.full((size[1], _GAP_PX, 3), 255, np.uint8)
    return encode_jpeg(np.ascontiguousarray(np.hstack([image, gap, marked, gap, heat])), quality=85)


def scale_bar(width_px: int, height_px: int) -> bytes:
    """JPEG of the colours from low to high."""
    ramp = np.linspace(0, 255, width_px).round().astype(np.uint8)
    return encode_jpeg(_coloured(np.tile(ramp, (height_px, 1))), quality=95)


def _heat(anomaly: NDArray[np.float32], scale: Scale, size: tuple[int, int]) -> Pixels:
    full = cv2.resize(anomaly, size, interpolation=cv2.INTER_LINEAR)
    share = (full - scale.low) / max(scale.high - scale.low, 1e-12)
    return _coloured((np.clip(share, 0, 1) * 255).astype(np.uint8))


def _coloured(levels: Pixels) -> Pixels:
    return np.ascontiguousarray(np.asarray(cv2.applyColorMap(levels, _COLOURS), np.uint8)[:, :, ::-1])  # BGR -> RGB
