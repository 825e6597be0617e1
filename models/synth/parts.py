"""One drawn part: picture, depth, sensor traces, and the truth about its defect."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.synth.defect import DefectKind, DefectSpec
from models.synth.line_style import LineStyle, Mark
from models.synth.sensor_trace import SensorTrace, draw_traces
from models.synth.surface import Array, draw_texture

# Parts lie in their fixture to about a pixel; more would be another task (registration).
_PLACEMENT_PX = 1.5
_DEPTH_NOISE_MM = 0.02
_DEPTH_DROPOUT = 0.002


@dataclass(frozen=True, kw_only=True, eq=False)
class SynthPart:
    """A part and its truth.

    ``mask`` (H, W) bool marks the defect in the picture and in the depth image alike; it is empty for a good part and
    for a defect that only a sensor notices. ``depth_mm`` is NaN where the sensor had no return.
    """

    rgb_u8: NDArray[np.uint8]
    depth_mm: NDArray[np.float32]
    sensors: Mapping[str, SensorTrace]
    mask: NDArray[np.bool_]
    defect_type: str | None
    modalities_showing: tuple[str, ...]


def draw(style: LineStyle, index: int, defect: DefectSpec | None = None) -> SynthPart:
    """Draw part ``index`` of a line. Equal arguments, equal part; with or without ``defect``, all else is the same."""
    rng = np.random.default_rng([0xBA57, style.seed, *style.product.encode(), index])
    defect_rng = np.random.default_rng([0xDEF, style.seed, *style.product.encode(), index])
    height, width = style.height_px, style.width_px
    shift = rng.uniform(-_PLACEMENT_PX, _PLACEMENT_PX, 2)
    marks = [_mark_coverage(mark, height, width, shift) for mark in style.marks]
    texture = draw_texture(style, rng)
    light = _light(height, width, rng)
    relief = _relief(style, shift)
    mask = np.zeros((height, width), np.bool_)
    paint = np.zeros((height, width), np.float32)
    if defect is not None and defect.kind is DefectKind.MISSING_PRINT:
        gone = int(defect_rng.integers(len(marks)))
        mask = marks.pop(gone) > 0.3
    elif defect is not None and "sensor" not in defect.modalities_showing:
        cover, paint, sink = _surface_defect(defect, height, width, defect_rng)
        relief = relief - sink
        mask = cover > 0.3
    body = 1 + np.float32(style.contrast) * texture / np.float32(np.mean(style.rgb))
    ink = np.zeros((height, width), np.float32)
    for mark in marks:
        np.maximum(ink, mark, out=ink)
    colours = zip(style.rgb, style.ink, strict=True)
    rgb = cv2.merge([(body * np.float32(a)) * (1 - ink) + np.float32(b) * ink for a, b in colours])  # (H, W, 3)
    rgb = (rgb + paint[:, :, None]) * light[:, :, None]
    grain = rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(0.008)
    rgb_u8 = cv2.convertScaleAbs(np.clip(rgb + grain, 0, 1), alpha=255.0)
    return SynthPart(
        rgb_u8=rgb_u8.astype(np.uint8, copy=False),
        depth_mm=_depth(style, relief, rng),
        sensors=draw_traces(style, rng, defect, defect_rng),
        mask=mask,
        defect_type=None if defect is None else defect.kind.value,
        modalities_showing=() if defect is None else defect.modalities_showing,
    )


def _light(height: int, width: int, rng: np.random.Generator) -> Array:
    gain, slope_x, slope_y = 1 + rng.normal(0, 0.015), rng.normal(0, 0.03), rng.normal(0, 0.03)
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    return (np.float32(gain) + np.float32(slope_x) * x + np.float32(slope_y) * y).astype(np.float32)


def _mark_coverage(mark: Mark, height: int, width: int, shift: NDArray[np.float64]) -> Array:
    """(H, W) in 0..1, anti-aliased."""
    canvas = np.zeros((height, width), np.uint8)
    x, y = int(mark.x * width * 8 + shift[0] * 8), int(mark.y * height * 8 + shift[1] * 8)
    size = mark.size * min(height, width)
    if mark.shape == "bar":
        dx, dy = int(size * 8 * 1.2), int(size * 8 * 0.35)
        cv2.rectangle(canvas, (x - dx, y - dy), (x + dx, y + dy), 255, -1, cv2.LINE_AA, 3)
    elif mark.shape == "disc":
        cv2.circle(canvas, (x, y), int(size * 8 * 0.7), 255, -1, cv2.LINE_AA, 3)
    elif mark.shape == "ring":
        cv2.circle(canvas, (x, y), int(size * 8 * 0.8), 255, max(2, int(size * 0.3)), cv2.LINE_AA, 3)
    else:
        scale = size / 22
        (w, h), _ = cv2.getTextSize(mark.text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
        at = (x // 8 - w // 2, y // 8 + h // 2)
        cv2.putText(canvas, mark.text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 2, cv2.LINE_AA)
    return canvas.astype(np.float32) / np.float32(255)


def _relief(style: LineStyle, shift: NDArray[np.float64]) -> Array:
    """Height above the body's plane in mm, (H, W)."""
    relief = np.zeros((style.height_px, style.width_px), np.float32)
    for boss in style.bosses:
        centre = (int(boss.x * style.width_px * 8 + shift[0] * 8), int(boss.y * style.height_px * 8 + shift[1] * 8))
        radius = boss.radius * min(style.height_px, style.width_px)
        cv2.circle(relief, centre, int(radius * 8), boss.height_mm, -1, cv2.LINE_8, 3)
    return np.asarray(cv2.GaussianBlur(relief, (0, 0), 1.0), np.float32)


def _depth(style: LineStyle, relief: Array, rng: np.random.Generator) -> Array:
    height, width = relief.shape
    tilt_x, tilt_y = rng.normal(0, 0.15, 2)  # mm over the part: how flat it lies
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    depth = np.float32(style.standoff_mm + rng.normal(0, 0.1)) + np.float32(tilt_x) * x + np.float32(tilt_y) * y
    depth = depth - relief + rng.standard_normal((height, width), dtype=np.float32) * np.float32(_DEPTH_NOISE_MM)
    depth[rng.random((height, width), dtype=np.float32) < _DEPTH_DROPOUT] = np.nan
    return depth.astype(np.float32)


def _surface_defect(
    defect: DefectSpec, height: int, width: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """(coverage 0..1, change of reflectance, sink in mm), each (H, W)."""
    span = min(height, width)
    centre = np.array([rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height])
    strength = np.float32(defect.severity)
    sign = np.float32(rng.choice([-1.0, 1.0]))
    nothing = np.zeros((height, width), np.float32)
    if defect.kind is DefectKind.SCRATCH:
        cover = _stroke(centre, span * rng.uniform(0.25, 0.5), height, width, rng, wander=0.05, thickness=2)
        return cover, cover * sign * np.float32(0.22) * strength, nothing
    if defect.kind is DefectKind.CRACK:
        cover = _stroke(centre, span * rng.uniform(0.25, 0.45), height, width, rng, wander=0.6, thickness=2)
        return cover, cover * np.float32(-0.28) * strength, cover * np.float32(0.4) * strength
    if defect.kind is DefectKind.PIT:
        cover = _blob(centre, span * rng.uniform(0.02, 0.035), height, width, rng)
        return cover, cover * np.float32(-0.25) * strength, cover * np.float32(0.6) * strength
    if defect.kind is DefectKind.DENT:
        cover = _blob(centre, span * rng.uniform(0.05, 0.09), height, width, rng)
        return cover, nothing, cover * np.float32(0.5) * strength
    cover = _blob(centre, span * rng.uniform(0.06, 0.12), height, width, rng)  # a stain
    return cover, cover * sign * np.float32(0.13) * strength, nothing


def _stroke(
    centre: NDArray[np.float64],
    length_px: float,
    height: int,
    width: int,
    rng: np.random.Generator,
    *,
    wander: float,
    thickness: int,
) -> Array:
    angle = rng.uniform(0, math.pi)
    steps = 12
    turns = angle + np.cumsum(rng.normal(0, wander, steps))
    path = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1) * (length_px / steps), axis=0)
    points = path - path.mean(axis=0) + centre
    canvas = np.zeros((height, width), np.uint8)
    cv2.polylines(canvas, [np.round(points * 8).astype(np.int32)], False, 255, thickness, cv2.LINE_AA, 3)
    return canvas.astype(np.float32) / np.float32(255)


def _blob(centre: NDArray[np.float64], radius_px: float, height: int, width: int, rng: np.random.Generator) -> Array:
    radius = max(radius_px, 2.5)
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    waves = sum(rng.normal(0, 0.12) * np.cos(k * angles + rng.uniform(0, 6.3)) for k in (2, 3, 5))
    reach = radius * (1 + np.asarray(waves))
    points = centre + np.stack([reach * np.cos(angles), reach * np.sin(angles)], axis=1)
    canvas = np.zeros((height, width), np.uint8)
    cv2.fillPoly(canvas, [np.round(points * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)
    return cv2.GaussianBlur(canvas, (0, 0), max(radius / 6, 0.7)).astype(np.float32) / np.float32(255)
