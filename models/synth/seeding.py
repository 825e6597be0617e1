"""Random streams that depend on nothing but the numbers that name them."""

from typing import Final

import cv2
import numpy as np
from numpy.random import SFC64, Generator
from numpy.typing import NDArray

Plane = NDArray[np.float32]

# Four bytes per value: their sum is normal to within 2 % of its density up to 2.5 sigma, and costs a tenth of an
# exact draw, which would be a third of the time of a whole part.
_BYTES: Final = 4
_MEAN: Final = np.float32(_BYTES * 127.5)
_DEVIATION: Final = np.float32(np.sqrt(_BYTES * (256**2 - 1) / 12))


def stream(*words: int) -> Generator:
    """A generator for the purpose that ``words`` (each >= 0) name; equal words, equal numbers."""
    return Generator(SFC64(words))


def white(rng: Generator, *shape: int) -> Plane:
    """Nearly normal noise of mean 0 and deviation 1: ``shape`` -> float32. Bounded by 3.5."""
    count = int(np.prod(shape))
    raw = np.asarray(rng.bit_generator.random_raw((count * _BYTES + 7) // 8), np.uint64).view(np.uint8)
    planes = raw[: count * _BYTES].reshape(_BYTES, 1, count)
    pair = cv2.add(planes[0], planes[1], dtype=cv2.CV_16U)
    total = cv2.add(pair, cv2.add(planes[2], planes[3], dtype=cv2.CV_16U), dtype=cv2.CV_32F)
    return ((np.asarray(total, np.float32) - _MEAN) / _DEVIATION).reshape(shape)


def clouds(rng: Generator, height: int, width: int, cells: float) -> Plane:
    """A soft field of about ``cells`` lumps along its longer side, (H, W), deviation about 0.8."""
    scale = cells / max(height, width)
    small = rng.standard_normal((max(2, round(height * scale) + 1), max(2, round(width * scale) + 1)), dtype=np.float32)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def log_uniform(rng: Generator, low: float, high: float) -> float:
    """Equally likely in every octave between ``low`` and ``high``."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
