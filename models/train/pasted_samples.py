"""Defects for a line that knows none: pieces of its good parts, changed and pasted into others (CutPaste, NSA).

SYSTEMS A.2.6 names both. Half of the pieces keep their tone (CutPaste), half take over that of the place by Poisson
blending (NSA); what is marked is where the picture changed.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.synth.seeding import log_uniform
from models.train.segmentation_samples import SegmentationSample
from wire.errors import ConfigurationError
from wire.image_codec import Image, to_u8

# Of a line's pictures, every so-many-th is held out.
_HELD_OUT_EVERY: Final = 4
# Sides of a piece as shares of the picture's. Smaller: less than a patch, of which no token tells; larger: no defect.
_SIDES: Final = (0.08, 0.35)
# A piece that agrees with its place is drawn again; texture that is the same everywhere needs another tone.
_ATTEMPTS: Final = 20
_TONES: Final = (0.55, 1.6)
# Grey levels from which a person sees a change, and the share of a piece that must show one.
_LEAST_CHANGE, _LEAST_SHARE = 12, 0.6
# Grain of the surface: single pixels that happen to agree are part of a defect all the same.
_GRAIN_PX: Final = (5, 5)


class PastedSamples:
    """See ``SampleSource``. ``pictures``: of good parts of one line, (H, W, 3) each, squashed to ``side_px``.

    ConfigurationError if there is none, or if nothing that is pasted into them can be seen.
    """

    def __init__(self, pictures: Sequence[Image], *, side_px: int, name: str) -> None:
        if not pictures:
            raise ConfigurationError([f"{name}: there is no picture of a good part to paste defects into"])
        squashed = [
            np.asarray(cv2.resize(to_u8(each), (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)
            for each in pictures
        ]
        self._side_px = side_px
        self._held_out = squashed[::_HELD_OUT_EVERY]
        # A single picture is all there is: its defects are others each time, its surface is not.
        self._training = [each for index, each in enumerate(squashed) if index % _HELD_OUT_EVERY] or squashed
        self.name = f"{len(pictures)} good parts of {name}, {side_px} px"

    def training(self, rng: Generator) -> SegmentationSample:
        """See ``SampleSource``."""
        return self._pasted(self._training, rng)

    def held_out(self, rng: Generator) -> SegmentationSample:
        """See ``SampleSource``."""
        return self._pasted(self._held_out, rng)

    def _pasted(self, pictures: Sequence[NDArray[np.uint8]], rng: Generator) -> SegmentationSample:
        for _ in range(_ATTEMPTS):
            ground, source = (pictures[int(rng.integers(len(pictures)))] for _ in range(2))
            mask = self._outline(rng)
            piece = _other_tone(np.roll(np.rot90(source, int(rng.integers(4))), self._shift(rng), (0, 1)), rng)
            seen = _blended(ground, piece, mask) if rng.random() < 0.5 else np.where(mask[..., None], piece, ground)
            change = cv2.absdiff(seen, ground).max(axis=2).astype(np.float32)
            truth = mask & (cv2.blur(change, _GRAIN_PX) >= _LEAST_CHANGE)
            if truth.sum() >= _LEAST_SHARE * mask.sum():
                return SegmentationSample(image=seen.astype(np.float32) / np.float32(255), truth=truth)
        raise ConfigurationError([f"{self.name}: {_ATTEMPTS} pasted pieces changed nothing; are all pictures black?"])

    def _outline(self, rng: Generator) -> NDArray[np.bool_]:
        """(S, S): an ellipse of any turn, wholly within the picture."""
        axes = [max(1, round(log_uniform(rng, *_SIDES) * self._side_px / 2)) for _ in range(2)]
        reach = max(axes) + 1
        x, y = (int(rng.integers(reach, self._side_px - reach)) for _ in range(2))
        drawn = np.zeros((self._side_px, self._side_px), np.uint8)
        cv2.ellipse(drawn, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
        return drawn > 0

    def _shift(self, rng: Generator) -> tuple[int, int]:
        return int(rng.integers(self._side_px)), int(rng.integers(self._side_px))


def _other_tone(piece: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    toned = piece.astype(np.float32) * np.float32(log_uniform(rng, *_TONES))
    return np.asarray(np.clip(toned, 0, 255), np.uint8)


def _blended(ground: NDArray[np.uint8], piece: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The piece's gradients within the mask, the ground's tone around it."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    # OpenCV lays the mask's bounding box around this point: that way it stays where it is.
    centre = (x + width // 2, y + height // 2)
    cloned = cv2.seamlessClone(
        np.ascontiguousarray(piece), ground, mask.astype(np.uint8) * np.uint8(255), centre, cv2.NORMAL_CLONE
    )
    return np.asarray(cloned, np.uint8)
