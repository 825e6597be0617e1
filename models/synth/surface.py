"""Textures of drawn surfaces: each call gives another piece of the same material."""

import math

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from models.synth.line_style import LineStyle, Surface

Array = NDArray[np.float32]


def draw_texture(style: LineStyle, rng: np.random.Generator) -> Array:
    """A piece of the style's material: (H, W) float32, mean about 0, standard deviation about 1."""
    height, width = style.height_px, style.width_px
    if style.surface is Surface.BRUSHED:
        return _brushed(height, width, style, rng)
    if style.surface is Surface.CAST:
        return _grain(height, width, style.grain_px, rng)
    if style.surface is Surface.WOVEN:
        return _woven(height, width, style, rng)
    if style.surface is Surface.TURNED:
        return _turned(height, width, style, rng)
    return _grain(height, width, 1.0, rng) * np.float32(0.4)


def _noise(height: int, width: int, rng: np.random.Generator) -> Array:
    return rng.standard_normal((height, width), dtype=np.float32)


def _unit(values: MatLike) -> Array:
    texture = np.asarray(values, np.float32)
    mean, deviation = (np.asarray(moment) for moment in cv2.meanStdDev(texture))
    return (texture - np.float32(mean[0, 0])) / np.float32(max(float(deviation[0, 0]), 1e-6))


def _grain(height: int, width: int, grain_px: float, rng: np.random.Generator) -> Array:
    noise = _noise(height, width, rng)
    fine = _unit(cv2.GaussianBlur(noise, (0, 0), max(grain_px / 2, 0.5)))
    small = _noise(height // 8 + 2, width // 8 + 2, rng)
    clouds = _unit(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
    return _unit(fine + np.float32(0.5) * clouds)


def _brushed(height: int, width: int, style: LineStyle, rng: np.random.Generator) -> Array:
    side = int(math.hypot(height, width)) + 2
    lines = cv2.blur(_noise(side, side, rng), (61, 1))
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), style.angle_deg, 1.0)
    turn[:, 2] += np.array([width / 2 - side / 2, height / 2 - side / 2])
    return _unit(cv2.warpAffine(lines, turn, (width, height), borderMode=cv2.BORDER_REFLECT))


def _woven(height: int, width: int, style: LineStyle, rng: np.random.Generator) -> Array:
    period = 2.5 * style.grain_px + 3
    phase_x, phase_y = rng.uniform(0, 2 * math.pi, 2)
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    warp = np.sin(2 * math.pi * x / period + phase_x, dtype=np.float32)
    weft = np.sin(2 * math.pi * y / period + phase_y, dtype=np.float32)
    threads = np.maximum(warp, 0) * (weft > 0) + np.maximum(weft, 0) * (weft <= 0)
    return _unit(_unit(threads.astype(np.float32)) + np.float32(0.4) * _noise(height, width, rng))


def _turned(height: int, width: int, style: LineStyle, rng: np.random.Generator) -> Array:
    x = np.arange(width, dtype=np.float32)[None, :] - np.float32(width * 0.5 + rng.uniform(-2, 2))
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32(height * 1.4)
    radius = np.sqrt(x * x + y * y)
    profile = cv2.GaussianBlur(_noise(1, 4096, rng), (0, 0), style.grain_px / 2)[0]
    rings = profile[np.clip(radius * 2, 0, 4095).astype(np.intp)]
    return _unit(_unit(rings) + np.float32(0.3) * _noise(height, width, rng))
