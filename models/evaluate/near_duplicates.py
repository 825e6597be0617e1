"""Images that look like the same physical part again: shifted, brighter or darker, compressed, photographed once more.

Correlation of windowed thumbnails at any shift, with each frequency's amplitude raised to .3: it is the part's own
texture that has to agree, and neither its shading nor a few strong lines. The peak is 1 for equal images. Measured on
five sets of real parts (75 to 150 images each): unrelated images stay below .27 in 99 of 100 pairs, .48 on solar cells,
which are printed alike; copies shifted by 5 % both ways, 1.2 times as bright, as JPEG of quality 30 reach .47 or more
in 19 of 20 on four of the sets, .34 on the fifth (128 px wide). Parts that lie alike in a fixture and have little
texture of their own can look like copies.
"""

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.evaluate.loading import load_image
from models.evaluate.sample import Sample
from wire.image_codec import Image, to_u8

# Higher, and shifted copies are missed; lower, and parts of one printed layout are taken for each other.
ALIKE: Final = 0.4
_SIDE_PX: Final = 128
# Cycles per thumbnail pixel: below, shading and outline; above, what JPEG destroys.
_BAND: Final = (0.03, 0.3)
# 1 = phases alone, which drown where a texture has few directions (brushed metal); 0.5 lets printed lines decide.
_WHITENING: Final = 0.7
# 66 KB each.
_REMEMBERED: Final = 1024

Spectrum = NDArray[np.complex64]


class NearDuplicates:
    """Compares images of files; remembers what it has compared."""

    def __init__(self) -> None:
        self._spectrum = lru_cache(maxsize=_REMEMBERED)(lambda sample: spectrum(load_image(sample)))
        self._known: dict[tuple[Sample, Sample], bool] = {}

    def alike(self, one: Sample, other: Sample) -> bool:
        """Whether both seem to show the same part. DecodeError if a file cannot be read."""
        if one == other:
            return True
        known = self._known.get((one, other))
        if known is None:
            known = self._known[one, other] = likeness(self._spectrum(one), self._spectrum(other)) > ALIKE
        return known


def spectrum(image: Image) -> Spectrum:
    """(H, W, 3) -> whitened frequencies of the band, (S, S / 2 + 1), scaled: an image's likeness to itself is 1."""
    grey = np.asarray(cv2.cvtColor(to_u8(image), cv2.COLOR_RGB2GRAY), np.float32)
    way = cv2.INTER_AREA if min(grey.shape) > _SIDE_PX else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(grey, (_SIDE_PX, _SIDE_PX), interpolation=way), np.float32)
    window = np.hanning(_SIDE_PX + 2)[1:-1]
    values = np.fft.rfft2((small - small.mean()) * np.outer(window, window))
    amplitude = np.abs(values)
    weights = np.divide(_band(), amplitude**_WHITENING, out=np.zeros_like(amplitude), where=amplitude > 1e-6)
    whitened = values * weights
    return np.asarray(whitened / np.sqrt(_full_weight(np.abs(whitened) ** 2) or 1.0) * _SIDE_PX, np.complex64)


def likeness(one: Spectrum, other: Spectrum) -> float:
    """The highest agreement at any shift, at most 1."""
    return float(np.fft.irfft2(one * np.conj(other), (_SIDE_PX, _SIDE_PX)).max())


def _band() -> NDArray[np.float64]:
    radius = np.hypot(np.fft.fftfreq(_SIDE_PX)[:, None], np.fft.rfftfreq(_SIDE_PX)[None])
    return np.asarray((radius > _BAND[0]) & (radius < _BAND[1]), np.float64)


def _full_weight(half: NDArray[np.float64]) -> float:
    """Sum over the full plane: the inner columns of the half plane stand for two frequencies each."""
    return float(half.sum() + half[:, 1:-1].sum())
