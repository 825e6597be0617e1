"""The camera of a line: focus, exposure, tone curve, noise of the sensor, compression."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.synth.channels import Picture
from models.synth.seeding import white

# Beyond three sigma a Gaussian moves an 8-bit value no more.
_REACH = 3.0


@dataclass(frozen=True, kw_only=True)
class CameraSetting:
    """``focus_px``: sigma of the blur; ``*_spread``: deviation from part to part; noise in shares of full scale.

    ``jpeg_quality`` None = not compressed by the camera. ``gamma`` < 1 lifts the shadows.
    """

    focus_px: float
    focus_spread_px: float
    exposure: float
    exposure_spread: float
    gamma: float
    read_noise: float
    shot_noise: float
    jpeg_quality: int | None


class Exposure:
    """One shot: everything about the camera that holds for this part."""

    def __init__(self, setting: CameraSetting, rng: Generator) -> None:
        self._setting = setting
        self._gain = setting.exposure * float(np.exp(rng.normal(0, setting.exposure_spread)))
        self._blur_px = max(0.0, setting.focus_px + abs(float(rng.normal(0, setting.focus_spread_px))))
        self._rng = rng

    @property
    def reach_px(self) -> int:
        """How far the optics carry a change."""
        return round(_REACH * self._blur_px) + 1 if self._blur_px > 0.3 else 0

    @property
    def noise(self) -> float:
        """Deviation of the sensor's noise at medium grey, in shares of full scale."""
        return float(np.hypot(self._setting.read_noise, self._setting.shot_noise * 0.7))

    def develop(self, light: Picture) -> Picture:
        """Noise-free picture 0..1 of reflected light (H, W[, 3])."""
        image = light
        if self._blur_px > 0.3:
            size = 2 * round(_REACH * self._blur_px) + 1
            image = np.asarray(cv2.GaussianBlur(image, (size, size), self._blur_px), np.float32)
        image = np.clip(image * np.float32(self._gain), 0, 1)
        if self._setting.gamma != 1:
            image = np.asarray(cv2.pow(image, self._setting.gamma), np.float32)
        return image

    def record(self, developed: Picture) -> NDArray[np.uint8]:
        """The 8-bit picture (H, W, 3) of a developed one; call it once per exposure."""
        grain = white(self._rng, *developed.shape)
        setting = self._setting
        image = developed + grain * np.float32(setting.read_noise)
        if setting.shot_noise > 0:
            image = image + np.sqrt(developed) * grain[::-1] * np.float32(setting.shot_noise)
        image_u8 = np.asarray(cv2.convertScaleAbs(np.maximum(image, 0), alpha=255.0), np.uint8)
        if setting.jpeg_quality is not None:
            _, encoded = cv2.imencode(".jpg", image_u8, [cv2.IMWRITE_JPEG_QUALITY, setting.jpeg_quality])
            image_u8 = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED), np.uint8)
        return image_u8 if image_u8.ndim == 3 else np.asarray(cv2.merge([image_u8] * 3), np.uint8)
