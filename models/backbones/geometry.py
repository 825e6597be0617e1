"""Depth images as planes: height above the part's own plane, gradient, slope, curvature, share of missing returns."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.backbones.planes import Array, Planes
from models.settings import PartSettings
from wire.errors import ShapeError

# Fewer returns than this cannot tell a plane from noise; the part's depth counts as not judged.
MIN_RETURNS = 64
# Twice the area, in shares of the picture, below which three returns lie too close to a line to define a plane.
_LEAST_TRIPLE_AREA = 0.01


class GeometrySettings(PartSettings):
    """``smoothing_px`` before slope and curvature; ``trials`` planes through three of ``fit_samples`` returns."""

    smoothing_px: float
    trials: int
    fit_samples: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Relief:
    """Each (h, w): ``height`` mm over the part's plane, towards the camera; ``smooth``: the same, smoothed.

    ``missing``: share without a return; ``valid``: enough of the surroundings had one; ``size`` the original (H, W).
    """

    height: Array
    smooth: Array
    missing: Array
    valid: NDArray[np.bool_]
    size: tuple[int, int]

    @property
    def gradient(self) -> tuple[Array, Array]:
        """How much nearer the surface comes per px, to the right and down."""
        return (
            np.asarray(cv2.Sobel(self.smooth, cv2.CV_32F, 1, 0, scale=0.125), np.float32),
            np.asarray(cv2.Sobel(self.smooth, cv2.CV_32F, 0, 1, scale=0.125), np.float32),
        )

    @property
    def curvature(self) -> Array:
        """Laplacian of the height: negative where it bulges towards the camera."""
        return np.asarray(cv2.Laplacian(self.smooth, cv2.CV_32F, ksize=3, scale=0.25), np.float32)


def depth_planes(depth_mm: NDArray[np.float32], settings: GeometrySettings, *, max_pixels: int) -> Planes:
    """(H, W) mm, NaN = no return -> planes: height (mm, towards the camera), slope, curvature, missing share.

    ShapeError on another rank. With fewer than ``MIN_RETURNS`` returns everything is invalid.
    """
    relief = relief_of(depth_mm, settings, max_pixels=max_pixels)
    if not relief.valid.any():
        return Planes(values=np.zeros((4, *relief.height.shape), np.float32), size=relief.size, valid=relief.valid)
    values = np.stack([relief.height, np.hypot(*relief.gradient), relief.curvature, relief.missing])
    return Planes(values=values.astype(np.float32, copy=False), size=relief.size, valid=relief.valid)


def relief_of(depth_mm: NDArray[np.float32], settings: GeometrySettings, *, max_pixels: int) -> Relief:
    """(H, W) mm, NaN = no return. ShapeError on another rank; with fewer than ``MIN_RETURNS`` nothing is valid."""
    if depth_mm.ndim != 2:
        raise ShapeError(f"depth has shape {depth_mm.shape}, expected (H, W)")
    size = (depth_mm.shape[0], depth_mm.shape[1])
    depth, share = _shrink_known(depth_mm, max_pixels)
    valid = share > 0
    if int(valid.sum()) < MIN_RETURNS:
        flat = np.zeros(depth.shape, np.float32)
        return Relief(height=flat, smooth=flat, missing=1 - share, valid=np.zeros_like(valid), size=size)
    height = _plane_at(depth, valid, settings) - depth
    height[~valid] = 0
    weight = _blur(valid.astype(np.float32), settings.smoothing_px)
    smooth = np.asarray(_blur(height, settings.smoothing_px) / np.maximum(weight, 1e-3), np.float32)
    filled = np.where(valid, height, np.where(weight > 1e-3, smooth, 0)).astype(np.float32)
    return Relief(height=filled, smooth=smooth, missing=1 - share, valid=weight > 0.25, size=size)


def height_picture(depth_mm: NDArray[np.float32], settings: GeometrySettings) -> NDArray[np.uint8]:
    """(H, W) uint8 for people and facts: height over the part's plane, brighter = nearer, 0.5 to 99.5 % stretched."""
    valid = np.isfinite(depth_mm)
    if int(valid.sum()) < MIN_RETURNS:
        return np.zeros(depth_mm.shape, np.uint8)
    height = _plane_at(depth_mm, valid, settings) - depth_mm
    low, high = np.percentile(height[valid], (0.5, 99.5))
    scaled = (height - low) / max(float(high - low), 1e-6) * 255
    return np.where(valid, np.clip(scaled, 0, 255), 0).astype(np.uint8)


def _blur(values: Array, sigma_px: float) -> Array:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma_px), np.float32)


def _shrink_known(depth: NDArray[np.float32], max_pixels: int) -> tuple[Array, Array]:
    """(depth (h, w) averaged over the returns of each pixel's area, share of returns (h, w))."""
    known = np.isfinite(depth)
    height, width = depth.shape
    factor = min(1.0, (max_pixels / (height * width)) ** 0.5)
    if factor == 1.0:
        return np.where(known, depth, 0).astype(np.float32), known.astype(np.float32)
    size = (max(1, int(width * factor)), max(1, int(height * factor)))
    share = np.asarray(cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
    filled = np.where(known, depth, 0).astype(np.float32)
    total = np.asarray(cv2.resize(filled, size, interpolation=cv2.INTER_AREA), np.float32)
    return np.where(share > 0, total / np.maximum(share, 1e-6), 0).astype(np.float32), share


def _plane_at(depth: NDArray[np.float32], valid: NDArray[np.bool_], settings: GeometrySettings) -> Array:
    """The plane (h, w) in mm that most returns lie on, found by least median of squares over seeded triples.

    Least squares alone would tilt towards every boss and step of the part; it only polishes the inliers.
    """
    height, width = depth.shape
    at = np.flatnonzero(valid)
    at = at[:: -(-at.size // settings.fit_samples)]
    z = depth.ravel()[at].astype(np.float64)
    design = np.stack([(at % width) / width, (at // width) / height, np.ones(at.size)], axis=1)  # (N, 3)
    rng = np.random.default_rng(0)
    triples = rng.integers(0, at.size, (settings.trials, 3))
    corners = design[triples]  # (T, 3, 3)
    usable = np.abs(np.linalg.det(corners)) > _LEAST_TRIPLE_AREA
    if not usable.any():
        planes = np.array([[0.0, 0.0, float(np.median(z))]])
    else:
        planes = np.linalg.solve(corners[usable], z[triples[usable]][:, :, None])[:, :, 0]  # (T', 3)
    medians = np.median(np.abs(z[None] - planes @ design.T), axis=1)
    plane = planes[int(medians.argmin())]
    off = np.abs(z - design @ plane)
    inliers = off <= max(2.5 * 1.4826 * float(medians.min()), 1e-6)
    plane = np.linalg.lstsq(design[inliers], z[inliers], rcond=None)[0]
    columns, rows = np.arange(width) / width * plane[0], np.arange(height) / height * plane[1]
    return np.asarray(columns[None, :] + rows[:, None] + plane[2], np.float32)
