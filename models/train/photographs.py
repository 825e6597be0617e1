"""Crops of photographs of normal surfaces: every crop another scale, turn, light and camera."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

# Levels are halved down to about a crop's side.
_LEAST_SIDE_PX = 256
# Source pixels per crop pixel. Below 0.3 a crop shows the photograph's own blur; above 4 a photograph of 1024 px
# repeats itself.
_SCALES = (0.3, 4.0)
Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Photographs:
    """Photographs as pyramids (each level half the one before), (H, W, 3) RGB uint8."""

    pyramids: Sequence[Sequence[Image]]

    @classmethod
    def of(cls, pictures: Sequence[Image]) -> Self:
        """From pictures (h, w, 3) RGB uint8, as ``models.synth.photographs`` loads them."""
        pyramids = []
        for picture in pictures:
            levels = [picture]
            while min(levels[-1].shape[:2]) >= _LEAST_SIDE_PX:
                levels.append(np.asarray(cv2.pyrDown(levels[-1]), np.uint8))
            pyramids.append(tuple(levels))
        return cls(tuple(pyramids))

    def sha256(self) -> str:
        """Of all pixels."""
        return pictures_sha256([pyramid[0] for pyramid in self.pyramids])

    def crop(self, side_px: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """(side, side, 3) float32 in [0, 1]: one photograph at random, as some camera would have taken it."""
        pyramid = self.pyramids[int(rng.integers(len(self.pyramids)))]
        scale = float(np.exp(rng.uniform(np.log(_SCALES[0]), np.log(_SCALES[1]))))
        level = min(max(int(np.floor(np.log2(scale))), 0), len(pyramid) - 1)
        source = pyramid[level]
        scale /= 2**level
        height, width = source.shape[:2]
        turn = rng.uniform(0, 2 * np.pi) if rng.random() < 0.5 else rng.integers(4) * np.pi / 2
        cos, sin = float(np.cos(turn)) * scale, float(np.sin(turn)) * scale
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        # The photographs are tileable: beyond an edge they go on at the other.
        matrix = np.array([[cos, -sin, x], [sin, cos, y]], np.float32)
        crop = cv2.warpAffine(
            source,
            matrix,
            (side_px, side_px),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_WRAP,
        )
        return crop.astype(np.float32) / np.float32(255)


def pictures_sha256(pictures: Sequence[Image]) -> str:
    """Of sizes and pixels, in order: what a run that learns from them is known by."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(f"{picture.shape};".encode())
        digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()
