"""How a line's lamps light a part: uneven illumination, slopes that face the lamp, highlights."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from models.synth.channels import Picture, spread, times
from models.synth.seeding import Plane, clouds, log_uniform

Window = tuple[slice, slice]
# Illumination is soft: computed on every eighth pixel.
_COARSE = 8


@dataclass(frozen=True, kw_only=True)
class LightSetting:
    """The lamps of a line.

    ``angle_deg`` = where the light comes from; ``slant``: how much a slope of 1 brightens; ``gloss``: strength of
    highlights at slopes around ``gloss_slope``. ``gradient``, ``falloff``, ``hill``: natural logarithm of the
    illumination's ratio from side to side, from the middle to the corners, and across a band through the middle;
    ``cloud``: deviation of its logarithm in soft blotches, new ones on each part. ``drift``: how much of the rest
    changes from part to part. ``glare_share``: share of parts with a bright reflection of strength ``glare``.
    """

    angle_deg: float
    slant: float
    gloss: float
    gloss_slope: float
    gradient: float
    gradient_deg: float
    falloff: float
    hill: float
    hill_deg: float
    cloud: float
    drift: float
    glare_share: float
    glare: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Light:
    """The light on one part: ``gain`` (H, W) and ``glare`` (H, W) or None, plus the setting."""

    setting: LightSetting
    gain: Plane
    glare: Plane | None


def fall(setting: LightSetting, height: int, width: int, rng: Generator) -> Light:
    """The light as it falls on the next part."""
    x, y = _axes(height, width)
    turn = math.radians(setting.gradient_deg + rng.normal(0, 20 * setting.drift))
    gradient = setting.gradient * (1 + rng.normal(0, setting.drift)) + rng.normal(0, 0.1 * setting.drift)
    band = math.radians(setting.hill_deg)
    across = x * math.cos(band) + y * math.sin(band) + rng.normal(0, 0.2 * setting.drift)
    log_gain = gradient / 2 * (x * math.cos(turn) + y * math.sin(turn)) - setting.falloff / 2 * (x * x + y * y)
    log_gain = log_gain + setting.hill * (1 + rng.normal(0, setting.drift)) * np.exp(-((across / 0.5) ** 2))
    if setting.cloud > 0:
        log_gain = log_gain + np.float32(setting.cloud) * clouds(
            rng, *_coarse_shape(height, width), rng.uniform(1.5, 4)
        )
    gain = cv2.resize(np.exp(log_gain).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    glare = None
    if rng.random() < setting.glare_share:
        glare = _glare(x, y, setting.glare * rng.uniform(0.4, 1), rng)
        glare = np.asarray(cv2.resize(glare, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return Light(setting=setting, gain=np.asarray(gain, np.float32), glare=glare)


def shade(albedo: Picture, relief_mm: Plane | None, light: Light, *, mm_per_px: float, window: Window) -> Picture:
    """Reflected light of ``window`` of a part's albedo (H, W[, 3]) and relief (H, W), None = flat -> (h, w[, 3]).

    A window's light is that of the whole part there: slopes at its rim are measured across it.
    """
    gain, albedo = light.gain[window], albedo[window]
    if relief_mm is not None:
        setting = light.setting
        slope = _slope(relief_mm, setting.angle_deg, window) * np.float32(1 / mm_per_px)
        faced = np.float32(1) + np.float32(0.85) * np.tanh(np.float32(setting.slant) * slope)
        lit = times(albedo, np.asarray(cv2.multiply(faced, gain), np.float32))
        if setting.gloss > 0:
            off = (slope - np.float32(setting.gloss_slope)) * np.float32(1 / 0.12)
            # A level surface has no highlight, so that flat parts may leave their relief out.
            level = math.exp(-((setting.gloss_slope / 0.12) ** 2))
            shine = (np.asarray(cv2.exp(-off * off), np.float32) - np.float32(level)) * np.float32(setting.gloss)
            lit = lit + spread(shine * gain, lit)
    else:
        lit = times(albedo, gain)
    if light.glare is not None:
        lit = lit + spread(light.glare[window], lit)
    return lit


def _coarse_shape(height: int, width: int) -> tuple[int, int]:
    return height // _COARSE + 2, width // _COARSE + 2


def _axes(height: int, width: int) -> tuple[Plane, Plane]:
    """Coordinates -1..1 (x (1, w), y (h, 1)) on the coarse grid."""
    rows, columns = _coarse_shape(height, width)
    return (
        np.linspace(-1, 1, columns, dtype=np.float32)[None, :],
        np.linspace(-1, 1, rows, dtype=np.float32)[:, None],
    )


def _glare(x: Plane, y: Plane, strength: float, rng: Generator) -> Plane:
    """A soft reflection: a blob or a streak."""
    turn = rng.uniform(0, math.pi)
    u = (x - rng.uniform(-1, 1)) * math.cos(turn) + (y - rng.uniform(-1, 1)) * math.sin(turn)
    v = (y - rng.uniform(-1, 1)) * math.cos(turn) - (x - rng.uniform(-1, 1)) * math.sin(turn)
    long, short = log_uniform(rng, 0.4, 3.0), log_uniform(rng, 0.2, 0.5)
    return (strength * np.exp(-((u / short) ** 2) - (v / long) ** 2)).astype(np.float32)


def _slope(relief_mm: Plane, angle_deg: float, window: Window) -> Plane:
    """Rise per px towards the lamp within ``window``, mm."""
    turn = math.radians(angle_deg)
    y0, y1, _ = window[0].indices(relief_mm.shape[0])
    x0, x1, _ = window[1].indices(relief_mm.shape[1])
    top, left = max(0, y0 - 1), max(0, x0 - 1)
    around = relief_mm[top : y1 + 1, left : x1 + 1]
    dx = cv2.Scharr(around, cv2.CV_32F, 1, 0, scale=1 / 32)
    dy = cv2.Scharr(around, cv2.CV_32F, 0, 1, scale=1 / 32)
    slope = np.asarray(cv2.addWeighted(dx, -math.cos(turn), dy, -math.sin(turn), 0.0), np.float32)
    return np.ascontiguousarray(slope[y0 - top : y1 - top, x0 - left : x1 - left])
