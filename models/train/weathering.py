"""Harmless differences between the good parts of one line: streaks, blotches, specks, shaded borders, brightness.

Real surfaces carry far more of them than a generator setting that is drawn twice: without these a decoder takes the
grain of a ground tile for a hundred pits, and the shade at its border for wear.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Plane = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Weathering:
    """How much of each a line's good parts carry, as shares of brightness; ``specks`` per 10 000 px.

    ``angle_rad``: along the streaks. ``border``: how far each side (left, right, top, bottom) is darkened, < 0: lit.
    ``shade``: how much parts differ as a whole, standard deviation of the logarithm of their brightness.
    """

    streaks: float
    streak_px: float
    angle_rad: float
    blotches: float
    blotch_cells: int
    specks: float
    speck_px: float
    speck_contrast: float
    strokes: float
    border: tuple[float, float, float, float]
    border_share: float
    lumpiness: float
    shade: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, angle_deg: float) -> Self:
        """A line's, around the direction of its texture. Most lines have some of all, few have much of one."""

        def amount(most: float) -> float:
            return float(most * rng.random() ** 2) if rng.random() < 0.7 else 0.0

        sides = (rng.random(4) < 0.5) * rng.choice([1, 1, -1], 4)
        left, right, top, bottom = (float(side * rng.uniform(0.1, 0.7)) for side in sides)
        return cls(
            streaks=amount(0.35),
            streak_px=float(np.exp(rng.uniform(np.log(0.7), np.log(6)))),
            angle_rad=float(np.radians(angle_deg + rng.choice([0, 90]))),
            blotches=amount(0.35),
            blotch_cells=int(rng.integers(2, 12)),
            specks=amount(12.0),
            speck_px=float(np.exp(rng.uniform(np.log(0.6), np.log(3.0)))),
            speck_contrast=float(rng.uniform(0.05, 0.45)),
            strokes=amount(1.5),
            border=(left, right, top, bottom),
            border_share=float(np.exp(rng.uniform(np.log(0.02), np.log(0.4)))),
            lumpiness=float(rng.uniform(0, 1)),
            shade=amount(0.8),
        )

    def over(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """One part (H, W, 3) with its own share of everything."""
        height, width = picture.shape[:2]
        gain = np.full((height, width), np.exp(rng.normal(0, self.shade)), np.float32)
        gain *= np.exp(self._streaks(height, width, rng) + self._blotches(height, width, rng))
        gain *= 1 + self._specks(height, width, rng)
        gain *= self._borders(height, width, rng)
        lit = np.clip(picture.astype(np.float32) * gain[:, :, None], 0, 255)
        return np.asarray(lit + np.float32(0.5), np.float32).astype(np.uint8)

    def _streaks(self, height: int, width: int, rng: np.random.Generator) -> Plane:
        if not self.streaks:
            return np.zeros((height, width), np.float32)
        side = int(np.hypot(height, width)) + 2
        # Across: noise with long tails. Along: it comes and goes.
        noise = rng.standard_t(4, (1, side)).astype(np.float32)
        profile = np.asarray(cv2.GaussianBlur(noise, (0, 0), self.streak_px), np.float32)
        profile = profile / np.float32(max(float(profile.std()), 1e-6))
        lengths = cv2.resize(rng.random((int(rng.integers(2, 8)), max(2, side // 24))).astype(np.float32), (side, side))
        turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(np.degrees(self.angle_rad)), 1.0)
        turned = cv2.warpAffine(profile * lengths, turn, (side, side), borderMode=cv2.BORDER_REFLECT)
        y, x = (side - height) // 2, (side - width) // 2
        return np.asarray(np.float32(self.streaks) * turned[y : y + height, x : x + width], np.float32)

    def _blotches(self, height: int, width: int, rng: np.random.Generator) -> Plane:
        if not self.blotches:
            return np.zeros((height, width), np.float32)
        cells = (self.blotch_cells + 1, self.blotch_cells + 1)
        field = cv2.resize(
            rng.standard_normal(cells).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
        if rng.random() < 0.4:  # smudges on a clean surface
            field = np.maximum(field - np.float32(0.7), 0)
        return np.asarray(np.float32(self.blotches * rng.choice([-1, 1])) * field, np.float32)

    def _specks(self, height: int, width: int, rng: np.random.Generator) -> Plane:
        """Dots and short strokes, -1..1."""
        plane = np.zeros((height, width), np.float32)
        area = height * width / 10_000
        for _ in range(rng.poisson(self.specks * area)):
            at = (int(rng.integers(width)), int(rng.integers(height)))
            level = self.speck_contrast * float(rng.normal(-0.4, 0.6))
            radius = max(0, round(self.speck_px * float(rng.exponential(1.0))))
            cv2.ellipse(plane, at, (radius, max(0, radius // 2)), float(rng.uniform(0, 180)), 0, 360, level, -1)
        for _ in range(rng.poisson(self.strokes * area)):
            steps = rng.normal(0, max(height, width) * 0.03, (int(rng.integers(2, 6)), 2))
            points = np.cumsum(steps, axis=0) + np.array([rng.uniform(0, width), rng.uniform(0, height)])
            level = self.speck_contrast * float(rng.normal(-0.2, 0.4))
            cv2.polylines(plane, [points.astype(np.int32)], False, level, 1)
        return np.clip(cv2.GaussianBlur(plane, (0, 0), 0.7), -0.9, 0.9)

    def _borders(self, height: int, width: int, rng: np.random.Generator) -> Plane:
        across = np.arange(width, dtype=np.float32) / width
        down = np.arange(height, dtype=np.float32) / height
        gain = np.ones((height, width), np.float32)
        distances = (across[None, :], 1 - across[None, :], down[:, None], 1 - down[:, None])
        for depth, distance in zip(self.border, distances, strict=True):
            if depth:
                reach = self.border_share * float(np.exp(rng.normal(0, 0.4)))
                own = min(0.95, depth * float(np.exp(rng.normal(0, 0.3))))
                # It comes and goes along the side, as the lamp's reflection and the guide's shadow do.
                lumps = rng.uniform(1 - self.lumpiness, 1, (3, 3)).astype(np.float32)
                lumpy = cv2.resize(lumps, (width, height), interpolation=cv2.INTER_CUBIC)
                gain *= 1 - np.float32(own) * lumpy * np.exp(-distance / np.float32(reach))
        return gain
