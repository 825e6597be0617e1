"""A part as it lies under the camera, before light falls on it."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from models.synth.channels import Picture, filled, mix, spread, times
from models.synth.layout import Planes
from models.synth.seeding import Plane, clouds, stream, white
from models.synth.setting import Border, LineSetting, Substance

# Purposes of the random streams of one part: a defect or another modality must not shift any of them.
_TEXTURE, _SKIN, _POSE, _BORDER, _DUST = range(5)
_SHADOW = 0.35
# Nothing is blacker than this: a change could not be seen there whatever its sign.
_BLACK = np.float32(0.01)


@dataclass(eq=False)
class Scene:
    """Changeable while defects are drawn. All (H, W) float32, pictures (H, W[, 3]).

    ``relief_mm`` is lit, ``shape_mm`` is what a 3D sensor measures: a defect may be in either or both.
    ``body``: 1 on the part, 0 beside it. ``backdrop``: what shows where a piece is broken off. ``warmth``: 0..1.
    """

    albedo: Picture
    relief_mm: Plane
    shape_mm: Plane
    body: Plane
    backdrop: Picture
    warmth: Plane
    lit_relief: bool  # False while the relief is flat, so that shading can be left out


@dataclass(frozen=True, eq=False)
class _Bare:
    """What does not depend on the layout: drawn once, also where a defect changes the layout."""

    ground: Picture
    skin: Plane | None
    pose: np.ndarray[tuple[int, int], np.dtype[np.float64]]


class SceneBuilder:
    """Builds the scene of part ``index``, once as it should be and again for every change of its layout."""

    def __init__(self, line: LineSetting, index: int) -> None:
        self._line = line
        self._index = index
        self._words = (line.seed, *line.product.encode(), index)
        skin = None if line.skin_material is None else line.skin_material.draw(self._stream(_SKIN))
        self._bare = _Bare(
            ground=_coloured(line, line.surface, line.material.draw(self._stream(_TEXTURE))),
            skin=skin,
            pose=_pose(line, self._stream(_POSE)),
        )

    @property
    def pose(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """(2, 3): painted planes -> picture."""
        return self._bare.pose

    def build(self, planes: Planes | None) -> Scene:
        """The scene with the layout of ``planes``."""
        line = self._line
        ground = self._bare.ground
        height, width = line.height_px, line.width_px
        relief = np.zeros((height, width), np.float32)
        body = np.ones((height, width), np.float32)
        warmth = np.full((height, width), 0.5, np.float32)
        albedo, backdrop = ground, filled((0.04, 0.04, 0.04), ground)
        if planes is not None:
            albedo, relief, cover, warm = self._laid_over(ground, planes)
            warmth += warm
            if line.is_object:
                body, backdrop = cover, ground
        if line.border is not None:
            albedo, body, backdrop = _bordered(albedo, line.border, self._stream(_BORDER))
        albedo = _dusted(line, albedo, self._stream(_DUST))
        return Scene(
            albedo=albedo,
            relief_mm=relief,
            shape_mm=relief.copy(),
            body=body,
            backdrop=backdrop,
            warmth=warmth,
            lit_relief=planes is not None and bool(planes.height_mm.any()),
        )

    def _stream(self, purpose: int) -> Generator:
        return stream(0x5CE9E, purpose, *self._words)

    def _laid_over(self, ground: Picture, planes: Planes) -> tuple[Picture, Plane, Plane, Plane]:
        line, size = self._line, (self._line.width_px, self._line.height_px)
        painted = np.asarray(cv2.warpAffine(planes.paint, self._bare.pose, size), np.float32)
        both = cv2.warpAffine(cv2.merge([planes.cover, planes.height_mm, planes.warmth]), self._bare.pose, size)
        cover, height_mm, warmth = (np.asarray(plane, np.float32) for plane in cv2.split(both))
        if self._bare.skin is not None and line.skin is not None:
            gain = np.float32(1) + self._bare.skin * np.float32(np.mean(line.skin.contrast))
            painted = times(painted, gain)
        if line.is_object:
            reach = 0.03 * max(size)
            turn = math.radians(line.light.angle_deg)
            shift = np.array([[1, 0, -reach * math.cos(turn)], [0, 1, -reach * math.sin(turn)]])
            shadow = cv2.GaussianBlur(cv2.warpAffine(cover, shift, size), (0, 0), max(reach, 0.5))
            ground = times(ground, np.float32(1) - np.float32(_SHADOW) * np.asarray(shadow, np.float32))
        return times(ground, np.float32(1) - cover) + painted, height_mm, cover, warmth


def _coloured(line: LineSetting, substance: Substance, tone: Plane) -> Picture:
    if line.grey:
        step, middle = np.float32(np.mean(substance.contrast)), np.float32(np.mean(substance.colour))
        albedo = np.asarray(tone * step + middle, np.float32)
    else:
        channels = [tone] * 3 if tone.ndim == 2 else cv2.split(tone)
        steps = zip(channels, substance.contrast, substance.colour, strict=True)
        albedo = np.asarray(cv2.merge([channel * np.float32(a) + np.float32(b) for channel, a, b in steps]), np.float32)
    return np.asarray(np.maximum(albedo, _BLACK), np.float32)


def _pose(line: LineSetting, rng: Generator) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    pose, margin = line.pose, line.margin_px
    angle = float(rng.uniform(0, 360)) if pose.any_turn else float(rng.normal(0, pose.turn_deg))
    centre = (line.width_px / 2 + margin, line.height_px / 2 + margin)
    turn = cv2.getRotationMatrix2D(centre, angle, 1 + float(rng.normal(0, pose.stretch)))
    shift = np.clip(rng.normal(0, pose.shift_px, 2), -2 * pose.shift_px, 2 * pose.shift_px) - margin
    turn[:, 2] += shift.tolist()
    return np.asarray(turn, np.float64)


def _bordered(albedo: Picture, border: Border, rng: Generator) -> tuple[Picture, Plane, Picture]:
    height, width = albedo.shape[:2]
    across, bevel_x = _edge_profile(width, height, border.left, border.right, border, rng)
    down, bevel_y = _edge_profile(height, width, border.top, border.bottom, border, rng)
    body = np.minimum(across, down.T)
    gain = np.maximum(bevel_x, bevel_y.T) * np.float32(border.bevel_gain) + np.float32(1)
    backdrop = filled((border.backdrop,) * 3, albedo)
    noise = white(rng, height, width) * np.float32(0.01)
    backdrop = backdrop + spread(noise, backdrop)
    return mix(backdrop, times(albedo, gain), body), body, backdrop


def _edge_profile(
    length: int, other: int, before: float, after: float, border: Border, rng: Generator
) -> tuple[Plane, Plane]:
    """(body 0..1, bevel 0..1) over (other, length): edges near ``before`` and 1 - ``after``, a little wavy."""
    at = np.arange(length, dtype=np.float32)[None, :]
    body, bevel = np.ones((1, length), np.float32), np.zeros((1, length), np.float32)
    wave = clouds(rng, 1, other, 12)[:1].T * np.float32(border.rough_px)
    for share, inside in ((before, 1), (after, -1)):
        edge = share * length + float(rng.normal(0, 0.012 * length))
        drift = float(rng.normal(0, 0.008))
        if share == 0:
            continue
        line = np.float32(edge if inside == 1 else length - edge) + wave
        line = line + np.arange(other, dtype=np.float32)[:, None] * np.float32(drift)
        depth = (at - line) * np.float32(inside)
        body = body * np.clip(depth / np.float32(border.soft_px) + np.float32(0.5), 0, 1)
        bevel = np.maximum(bevel, np.exp(-((depth / np.float32(border.bevel_px)) ** 2)))
    if body.shape[0] == 1:
        body, bevel = np.repeat(body, other, axis=0), np.repeat(bevel, other, axis=0)
    return body.astype(np.float32), bevel.astype(np.float32)


def _dusted(line: LineSetting, albedo: Picture, rng: Generator) -> Picture:
    """Specks and hairs that every good part of the line may carry."""
    harmless = line.harmless
    specks, hairs = int(rng.poisson(harmless.specks)), int(rng.poisson(harmless.hairs))
    if specks + hairs == 0:
        return albedo
    height, width = albedo.shape[:2]
    mark = np.zeros((height, width), np.uint8)
    for _ in range(specks):
        x, y = int(rng.integers(16 * width)), int(rng.integers(16 * height))
        radius = max(8, round(8 * harmless.speck_px * float(rng.uniform(0.6, 1.2))))
        cv2.circle(mark, (x, y), radius, int(rng.integers(140, 256)), -1, cv2.LINE_AA, 4)
    dust = mark.astype(np.float32) * np.float32(harmless.speck_tone / 255)
    if hairs:
        lines = np.zeros((height, width), np.uint8)
        for _ in range(hairs):
            start = rng.uniform((0, 0), (width, height))
            turns = rng.uniform(0, 2 * math.pi) + np.cumsum(rng.normal(0, 0.3, 8))
            steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * max(height, width) * 0.02
            points = np.round((start + np.cumsum(steps, axis=0)) * 16).astype(np.int32)
            cv2.polylines(lines, [points], False, 255, 1, cv2.LINE_AA, 4)
        dust = dust + lines.astype(np.float32) * np.float32(harmless.hair_tone / 255)
    return np.asarray(np.maximum(albedo + spread(dust, albedo), _BLACK), np.float32)
