"""What a thermal camera sees of a part: warmth, its own soft optics, drift and noise."""

from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.synth.seeding import Plane, clouds, white
from models.synth.setting import LineSetting

# Fewer, larger detector cells than a camera for visible light has.
_OPTICS_PX: Final = 1.2
_NOISE: Final = 0.008
_FROM_BRIGHTNESS: Final = 0.25


def draw_infrared(line: LineSetting, warmth: Plane, body: Plane, albedo: Plane, rng: Generator) -> NDArray[np.uint8]:
    """Grey picture (H, W): warmer is brighter; what is dark in visible light radiates a little more."""
    height, width = warmth.shape
    drift = clouds(rng, height, width, 2) * np.float32(0.03)
    warm = warmth - np.float32(_FROM_BRIGHTNESS) * (albedo - np.float32(0.4)) + drift + np.float32(rng.normal(0, 0.01))
    warm = warm - (1 - body) * np.float32(0.15)
    soft = np.asarray(cv2.GaussianBlur(warm.astype(np.float32), (0, 0), _OPTICS_PX), np.float32)
    soft = soft + white(rng, height, width) * np.float32(_NOISE)
    return np.asarray(cv2.convertScaleAbs(np.maximum(soft, 0), alpha=255.0), np.uint8)
