"""Textures of materials: each call of ``draw`` gives a fresh piece of the same material."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.synth.noise_field import NoiseField, Spectrum
from models.synth.seeding import Plane, clouds, white


class Material(Protocol):
    """A material of one line. Thread-safe: drawing changes nothing."""

    def draw(self, rng: Generator) -> Plane:
        """Tone (H, W), or (H, W, 3) for a coloured one: mean about 0, deviation about 1."""


class Shaping(StrEnum):
    """What is made of a layer's normal noise: few strong streaks, dark pores, dark veins, or light from the side."""

    LINEAR = "linear"
    HEAVY = "heavy"
    PORES = "pores"
    GRIT = "grit"
    VEINS = "veins"
    LIT = "lit"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One ingredient of a texture, of deviation ``weight``."""

    spectrum: Spectrum
    weight: float
    shaping: Shaping = Shaping.LINEAR


class LayeredMaterial:
    """A sum of shaped noises plus fine noise."""

    def __init__(self, layers: Sequence[Layer], fine: float, *, height: int, width: int, rng: Generator) -> None:
        self._shape = (height, width)
        self._fine = fine
        self._fields = [NoiseField(layer.spectrum, height=height, width=width, rng=rng) for layer in layers]
        self._shapings = [layer.shaping for layer in layers]
        total = math.sqrt(fine**2 + sum(layer.weight**2 for layer in layers))
        self._weights = []
        for layer, field in zip(layers, self._fields, strict=True):
            deviation = max(float(_shaped(field.draw(rng), layer.shaping).std()), 1e-3)
            self._weights.append(layer.weight / (deviation * total))
        self._fine = fine / total

    def draw(self, rng: Generator) -> Plane:
        """Tone (H, W)."""
        tone = white(rng, *self._shape) * np.float32(self._fine)
        for field, shaping, weight in zip(self._fields, self._shapings, self._weights, strict=True):
            tone = np.asarray(cv2.scaleAdd(_shaped(field.draw(rng), shaping), weight, tone), np.float32)
        return tone


class RingMaterial:
    """Marks of a turning or milling tool: a fixed profile over the distance from a far or near centre."""

    def __init__(
        self,
        *,
        centre: tuple[float, float],
        period_px: float,
        regular: float,
        rough: NoiseField,
        height: int,
        width: int,
        rng: Generator,
    ) -> None:
        self._shape = (height, width)
        self._centre = centre  # (x, y) in shares of width and height
        self._reach = max(height, width) * (2 + max(abs(centre[0]), abs(centre[1])))
        steps = 4 * int(self._reach)  # four per pixel
        radius = np.arange(steps, dtype=np.float32) / 4
        scratchy = cv2.GaussianBlur(white(rng, 1, steps), (0, 0), max(period_px, 1.0))[0]
        wave = np.sin(radius * np.float32(2 * math.pi / period_px))
        profile = np.float32(regular) * wave + np.float32(1 - regular) * scratchy / max(float(scratchy.std()), 1e-6)
        self._profile = (profile / max(float(profile.std()), 1e-6)).reshape(1, -1).astype(np.float32)
        self._rough = rough

    def draw(self, rng: Generator) -> Plane:
        """Tone (H, W)."""
        height, width = self._shape
        x0 = np.float32(self._centre[0] * width + rng.uniform(-1.5, 1.5))
        y0 = np.float32(self._centre[1] * height + rng.uniform(-1.5, 1.5))
        x = np.arange(width, dtype=np.float32)[None, :] - x0
        y = np.arange(height, dtype=np.float32)[:, None] - y0
        radius = np.sqrt(x * x + y * y)
        # remap takes at most 2^15 columns and gives a row of its own per row of the map.
        at = np.minimum(radius * 4, self._profile.shape[1] - 2)
        rings = self._profile[0][at.astype(np.int32)]
        return np.asarray(cv2.addWeighted(rings, 0.85, self._rough.draw(rng), 0.5, 0.0), np.float32)


class CellMaterial:
    """A repeated cell (weave, knit, dies of a wafer) with uneven threads, at a fresh phase and slightly bent."""

    def __init__(
        self,
        cell: Plane,
        *,
        period_px: tuple[float, float],
        angle_deg: float,
        bend_px: float,
        uneven: float,
        rough: NoiseField,
        height: int,
        width: int,
    ) -> None:
        cell = (cell - cell.mean()) / max(float(cell.std()), 1e-6)
        self._cell = np.ascontiguousarray(cell, np.float32)
        self._bend = bend_px
        self._uneven = uneven
        self._rough = rough
        turn = math.radians(angle_deg)
        x = np.arange(width, dtype=np.float32)[None, :]
        y = np.arange(height, dtype=np.float32)[:, None]
        self._u = (x * np.float32(math.cos(turn)) + y * np.float32(math.sin(turn))).astype(np.float32)
        self._v = (y * np.float32(math.cos(turn)) - x * np.float32(math.sin(turn))).astype(np.float32)
        self._scale = (cell.shape[1] / period_px[0], cell.shape[0] / period_px[1])

    def draw(self, rng: Generator) -> Plane:
        """Tone (H, W)."""
        height, width = self._u.shape
        rows, columns = self._cell.shape
        u = (self._u + np.float32(self._bend) * clouds(rng, height, width, 4)) * np.float32(self._scale[0])
        v = (self._v + np.float32(self._bend) * clouds(rng, height, width, 4)) * np.float32(self._scale[1])
        u += np.float32(rng.uniform(0, columns))
        v += np.float32(rng.uniform(0, rows))
        tone = np.asarray(cv2.remap(self._cell, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)
        threads = cv2.addWeighted(
            np.repeat(_thread_noise(rng, width)[None, :], height, axis=0), 1.0,
            np.repeat(_thread_noise(rng, height)[:, None], width, axis=1), 1.0, 0.0,
        )  # fmt: skip
        tone = np.asarray(cv2.scaleAdd(threads, self._uneven, tone), np.float32)
        return np.asarray(cv2.scaleAdd(self._rough.draw(rng), 0.3, tone), np.float32)


class GrainMaterial:
    """Wood: growth rings cut lengthwise, bent, with fibres."""

    def __init__(
        self, *, period_px: float, angle_deg: float, fibres: NoiseField, bend: NoiseField, height: int, width: int
    ) -> None:
        turn = math.radians(angle_deg)
        x = np.arange(width, dtype=np.float32)[None, :]
        y = np.arange(height, dtype=np.float32)[:, None]
        self._across = ((y * math.cos(turn) - x * math.sin(turn)) / period_px).astype(np.float32)
        self._fibres = fibres
        self._bend = bend

    def draw(self, rng: Generator) -> Plane:
        """Tone (H, W)."""
        rings = self._across + np.float32(1.1) * self._bend.draw(rng) + np.float32(rng.uniform(0, 1))
        early = rings - np.floor(rings)  # from light early wood to dark late wood, then a sharp edge
        tone = np.float32(1.2) - np.float32(2.4) * early * early
        return np.asarray(cv2.addWeighted(tone, 0.75, self._fibres.draw(rng), 0.75, 0.0), np.float32)


class PhotographMaterial:
    """Crops of one photograph at one scale; every crop slightly turned and zoomed, so that no two agree by pixel."""

    def __init__(self, tone: NDArray[np.float32], *, scale: float, height: int, width: int, any_turn: bool) -> None:
        self._tone = tone  # (h, w) or (h, w, 3), deviation 1, read at ``scale`` px of the part per px of the photograph
        self._shape = (height, width)
        self._any_turn = any_turn
        self._scale = scale

    def draw(self, rng: Generator) -> Plane:
        """Tone (H, W) or (H, W, 3)."""
        height, width = self._shape
        angle = float(rng.normal(0, 1.5)) + (90.0 * float(rng.integers(4)) if self._any_turn else 0.0)
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, self._scale * float(rng.uniform(0.96, 1.04)))
        rows, columns = self._tone.shape[:2]
        turn[:, 2] -= turn[:, :2] @ np.array([rng.uniform(0, columns), rng.uniform(0, rows)])
        crop = cv2.warpAffine(self._tone, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        if self._any_turn and rng.random() < 0.5:
            crop = cv2.flip(crop, 1)
        return np.asarray(crop, np.float32)


def _thread_noise(rng: Generator, length: int) -> Plane:
    thick = np.asarray(cv2.GaussianBlur(white(rng, 1, length), (0, 0), 1.5), np.float32)[0]  # (length,)
    return np.asarray(thick * np.float32(2), np.float32)


def _shaped(noise: Plane, shaping: Shaping) -> Plane:
    if shaping is Shaping.LINEAR:
        return noise
    if shaping is Shaping.HEAVY:
        return np.asarray(noise * np.abs(noise), np.float32)
    if shaping is Shaping.PORES:
        return np.asarray(-np.minimum(np.maximum(noise - np.float32(1.9), 0), np.float32(0.8)), np.float32)
    if shaping is Shaping.GRIT:
        return np.asarray(noise - np.clip(noise, np.float32(-1.4), np.float32(1.4)), np.float32)
    if shaping is Shaping.VEINS:
        return -np.asarray(cv2.exp(noise * noise * np.float32(-40)), np.float32)
    return np.asarray(cv2.filter2D(noise, cv2.CV_32F, _SIDE_LIGHT), np.float32)


_SIDE_LIGHT = np.array([[1, 1, 0], [1, 0, -1], [0, -1, -1]], np.float32)
