"""Evidence for people: overlay, map and mask as images."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from wire.errors import ShapeError
from wire.finding import Picture, Region
from wire.image_codec import encode_png

# The heat is full at twice the threshold, and nothing is drawn below it: a good part shows no heat at all.
_FULL_HEAT = 2.0
_HEAT_OPACITY = 0.55
_OUTLINE_RGB = (255, 40, 40)
_FULL_SCALE = 65535


def render_overlay(image_u8: NDArray[np.uint8], picture: Picture, regions: Sequence[Region]) -> NDArray[np.uint8]:
    """Draw heat, outlines and numbered boxes on (H, W, 3) RGB or (H, W) grey -> (H, W, 3) RGB.

    Heat is scaled by the threshold, never by its own minimum and maximum. ShapeError if mask and image differ.
    """
    rgb = np.repeat(image_u8[:, :, None], 3, axis=2) if image_u8.ndim == 2 else image_u8.copy()
    height, width = rgb.shape[:2]
    if picture.mask.shape != (height, width):
        raise ShapeError(f"mask {picture.mask.shape} does not fit an image of {height} x {width}")
    heat = _heat(picture, height, width)
    if heat.any():
        colours = np.asarray(cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_HOT))[:, :, ::-1]
        opacity = (np.minimum(heat * 4, 1) * _HEAT_OPACITY)[:, :, None]
        rgb = (rgb * (1 - opacity) + colours * opacity).astype(np.uint8)
    rgb = np.ascontiguousarray(rgb)
    line = max(1, round(max(height, width) / 400))
    outlines, _ = cv2.findContours(picture.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(rgb, outlines, -1, _OUTLINE_RGB, line)
    for region in regions:
        x0, y0, x1, y1 = region.xyxy_px
        cv2.rectangle(rgb, (x0, y0), (x1 - 1, y1 - 1), _OUTLINE_RGB, line)
        at = (x0, y0 - 3 * line if y0 > 12 * line else min(y1 + 12 * line, height - 1))
        cv2.putText(rgb, str(region.index + 1), at, cv2.FONT_HERSHEY_SIMPLEX, 0.4 * line, _OUTLINE_RGB, line)
    return rgb


def encode_map(anomaly: NDArray[np.float32]) -> tuple[bytes, float]:
    """(16-bit PNG of (h, w), scale): value = count x scale. The map's raw unit survives within scale / 2."""
    peak = float(anomaly.max())
    scale = peak / _FULL_SCALE if peak > 0 else 1.0
    return encode_png(np.round(anomaly / np.float32(scale)).clip(0, _FULL_SCALE).astype(np.uint16)), scale


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """8-bit PNG of (H, W), 255 = defect."""
    return encode_png(mask.astype(np.uint8) * np.uint8(255))


def _heat(picture: Picture, height: int, width: int) -> NDArray[np.float32]:
    """(H, W) in 0..1: 0 up to the threshold, 1 from ``_FULL_HEAT`` thresholds on."""
    full = np.asarray(cv2.resize(picture.map, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    threshold = max(picture.map_threshold, 1e-9)
    return np.asarray(np.clip((full / threshold - 1) / (_FULL_HEAT - 1), 0, 1), np.float32)
