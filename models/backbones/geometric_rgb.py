"""Depth as a picture for an image network: height residual, slope and curvature, squashed to [0, 1]."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.backbones.geometry import GeometrySettings, depth_planes
from models.backbones.planes import Array, Planes

# A typical deviation of the part's own surface lands at tanh(1 / 4) = a quarter of the range: less would sink into an
# image network's 8-bit habits, more would saturate on every boss and step.
_SIGMAS = 4.0
_MAD_TO_SIGMA = 1.4826
# Next to a hole slope and curvature are those of the filling; that far they are taken back to neutral.
_RIM_PX = 3


def geometric_rgb(depth_mm: NDArray[np.float32], settings: GeometrySettings, *, max_pixels: int) -> Planes:
    """(H, W) mm, NaN = no return -> three planes (3, h, w) float32 in [0, 1]: height, slope, curvature.

    Height over the part's plane: 0.5 on it, more towards the camera. Slope: 0 flat. Curvature: 0.5 flat, less on ridges
    and dents' rims that bulge towards the camera. Each is measured in robust deviations of the picture itself, so unit,
    tilt and depth of the plane do not matter (and a part that is rough throughout looks like one that is smooth
    throughout; the raw planes of ``depth_planes`` tell them apart). Without a return: (0.5, 0, 0.5) and not valid.
    ShapeError on another rank.
    """
    planes = depth_planes(depth_mm, settings, max_pixels=max_pixels)
    height, slope, curvature, missing = planes.values
    valid = planes.valid if planes.valid is not None else np.ones_like(missing, np.bool_)
    whole = valid & (_dilated(missing) == 0)
    if not whole.any():
        whole = valid
    picture = np.stack(
        [
            0.5 + 0.5 * np.tanh(height / _scale(height, whole)),
            np.tanh(slope / _scale(slope, whole)),
            0.5 + 0.5 * np.tanh(curvature / _scale(curvature, whole)),
        ]
    )
    neutral = np.array([0.5, 0.0, 0.5], np.float32)[:, None, None]
    picture[0] = np.where(valid, picture[0], 0.5)
    picture[1:] = np.where(whole, picture[1:], neutral[1:])
    return Planes(values=picture.astype(np.float32), size=planes.size, valid=valid)


def _dilated(missing: Array) -> Array:
    side = 2 * _RIM_PX + 1
    return np.asarray(cv2.dilate((missing > 0).astype(np.float32), np.ones((side, side), np.uint8)), np.float32)


def _scale(values: Array, valid: NDArray[np.bool_]) -> float:
    """``_SIGMAS`` robust deviations from zero; never below what 32-bit depth at a metre can tell (0.1 um)."""
    known = np.abs(values[valid])
    return max(_SIGMAS * _MAD_TO_SIGMA * float(np.median(known)) if known.size else 0.0, 1e-4)
