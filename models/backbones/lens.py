"""Where a lens puts a ray: OpenCV's model of radial and tangential distortion."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rays = NDArray[np.float64]


def distorted(x: Rays, y: Rays, coefficients: Sequence[float]) -> tuple[Rays, Rays]:
    """Rays as x/z and y/z in the camera's frame → where they meet the picture, before focal lengths; NaN = nowhere.

    ``coefficients``: k1, k2, p1, p2, k3 (OpenCV, "Camera Calibration and 3D Reconstruction"). Outside the angle for
    which it was fitted the polynomial turns back, and would fold what the lens does not see into the picture: those
    rays meet it nowhere.
    """
    k1, k2, p1, p2, k3 = coefficients
    with np.errstate(over="ignore", invalid="ignore"):
        square = x * x + y * y
        radial = 1 + square * (k1 + square * (k2 + square * k3))
        u = x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x)
        v = y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y
    seen = square < _turning_point(k1, k2, k3)
    return np.where(seen, u, np.nan), np.where(seen, v, np.nan)


def _turning_point(k1: float, k2: float, k3: float) -> float:
    """The squared radius from which a larger angle no longer lies farther out: where d(r * radial)/dr is first zero."""
    roots = np.roots([7 * k3, 5 * k2, 3 * k1, 1.0])
    real = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)]
    return float(real.min()) if len(real) else float("inf")
