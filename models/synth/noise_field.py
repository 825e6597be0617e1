"""A random texture of stated statistics: drawn once per line, then a fresh piece of it per part at little cost."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from models.synth.seeding import Plane, white

# The periodic tile exceeds the part by this factor: smaller, and features longer than a part close on themselves.
_TILE_OVER_PART = 1.25


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """What a texture is made of.

    Amplitude falls as frequency^-``slope`` between wave lengths ``finest_px`` and ``coarsest_px``; ``stretch`` > 1
    makes every feature that much longer along ``angle_deg`` (0 = along x) than across.
    """

    slope: float
    finest_px: float = 2.0
    coarsest_px: float = 64.0
    stretch: float = 1.0
    angle_deg: float = 0.0


class NoiseField:
    """Pieces (H, W) of a texture with mean 0 and deviation 1.

    A piece is the sum of two pieces of one periodic tile, one of them turned by 180 degrees, at random places: two
    parts of a line share statistics, not pixels.
    """

    def __init__(self, spectrum: Spectrum, *, height: int, width: int, rng: Generator) -> None:
        rows, columns = _tile_side(height), _tile_side(width)
        tile = _filtered(white(rng, rows, columns), spectrum)
        self._shape = (height, width)
        self._places = (rows, columns)
        # Wrapped by a part's size, so that any piece is a view.
        self._tile = np.pad(tile, ((0, height), (0, width)), mode="wrap")
        self._turned = self._tile[::-1, ::-1]

    def draw(self, rng: Generator) -> Plane:
        """A fresh piece, (H, W)."""
        return np.asarray(cv2.addWeighted(self._view(self._tile, rng), math.sqrt(0.5),
                                          self._view(self._turned, rng), math.sqrt(0.5), 0.0), np.float32)  # fmt: skip

    def _view(self, tile: Plane, rng: Generator) -> Plane:
        height, width = self._shape
        y, x = int(rng.integers(self._places[0])), int(rng.integers(self._places[1]))
        return np.ascontiguousarray(tile[y : y + height, x : x + width])


def _tile_side(length: int) -> int:
    side = int(cv2.getOptimalDFTSize(math.ceil(length * _TILE_OVER_PART / 2)))
    return 2 * side


def _filtered(noise: Plane, spectrum: Spectrum) -> Plane:
    rows, columns = noise.shape
    fy = np.fft.fftfreq(rows)[:, None].astype(np.float32)
    fx = np.fft.rfftfreq(columns)[None, :].astype(np.float32)
    turn = math.radians(spectrum.angle_deg)
    along = fx * np.float32(math.cos(turn)) + fy * np.float32(math.sin(turn))
    across = fy * np.float32(math.cos(turn)) - fx * np.float32(math.sin(turn))
    square = (along * np.float32(spectrum.stretch)) ** 2 + across**2 + np.float32(1e-9)
    # Soft limits: a sharp one rings.
    gain = square ** np.float32(-spectrum.slope / 2)
    gain *= np.exp(-square * np.float32((spectrum.finest_px / 2) ** 2))
    gain *= square / (square + np.float32(spectrum.coarsest_px**-2))
    gain[0, 0] = 0
    field = np.fft.irfft2(np.fft.rfft2(noise) * gain, s=(rows, columns)).astype(np.float32)
    return field / np.float32(max(float(field.std()), 1e-9))
