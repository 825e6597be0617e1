"""A point cloud on the grid of a calibrated camera's picture: nearest point per pixel, holes, what is hidden."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.backbones.lens import distorted
from wire.part import PointCloud
from wire.pinhole_camera import PinholeCamera

# Between the points of a near surface the camera sees none of it, but a cloud seen from elsewhere has points of what
# lies behind. A pixel is hidden where its surroundings are nearer by more than this share of its depth.
_HIDDEN_SHARE: Final = 0.05
# Surroundings in distances between neighbouring points. Larger fills holes of the surface, smaller leaves gaps.
_REACH: Final = 0.75
# A cloud sparser than that has holes between its points: to fill them would be to invent a surface.
_MOST_REACH_PX: Final = 15
# Points whose neighbours are looked for. Each costs a pass over the cloud; the median of fewer wanders.
_PROBES: Final = 24
# The eighth neighbour of a point in a square grid lies across the diagonal, and a profiler that is dense along its
# lines and sparse across them has its eighth neighbour on the next line.
_NEIGHBOUR: Final = 8


def project(cloud: PointCloud, camera: PinholeCamera) -> NDArray[np.float32]:
    """(H, W) float32 of the camera's picture: depth along its axis in mm, NaN = hole, hidden, or outside.

    A pixel keeps the nearest of its points, whatever their order. Pixels between points of one surface are filled
    from their neighbours, as far as the cloud's own density reaches; what is farther from a point stays a hole.
    SYSTEMS part C, row 42.
    """
    height, width = camera.height, camera.width
    known = cloud.xyz_mm[np.isfinite(cloud.xyz_mm).all(axis=1)]
    u, v, z = _to_picture(known, camera)
    with np.errstate(over="ignore", invalid="ignore"):
        distance_px = np.nan_to_num(camera.fx_px * _spacing_mm(known) / z, nan=0.0)
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    at, z = (v * width + u)[inside], z[inside]
    reach = np.minimum(np.rint(_REACH * distance_px[inside]), _MOST_REACH_PX).astype(np.int64)
    depth = np.full((height, width), np.inf, np.float32)
    for each in np.unique(reach):
        # With the next denser ones, so that a surface that slants from one reach to the other has no seam.
        some = (reach == each) | (reach == each + 1)
        layer = np.full(height * width, np.inf, np.float32)
        np.minimum.at(layer, at[some], z[some])
        picture = layer.reshape(height, width)
        depth = np.minimum(depth, _fill(picture, int(each)) if each > 0 else picture)
    depth[~np.isfinite(depth)] = np.nan
    return depth


def _spacing_mm(points: NDArray[np.float32]) -> float:
    """How far neighbouring points of a surface lie apart: the median over some points, the same in any order."""
    if len(points) <= _NEIGHBOUR:
        return 0.0
    points = points[np.lexsort(points.T)]
    distances = []
    for probe in points[:: -(-len(points) // _PROBES)]:
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.square(points - probe).sum(axis=1)
        distances.append(np.partition(squares, _NEIGHBOUR)[_NEIGHBOUR])
    return float(np.sqrt(np.median(distances) / 2))


def _to_picture(
    xyz_mm: NDArray[np.float32], camera: PinholeCamera
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """(column, row, depth in mm) of every point in front of the camera; the points are finite."""
    matrix = np.array(camera.sensor_to_camera).reshape(3, 4)
    seen = xyz_mm.astype(np.float64) @ matrix[:, :3].T + matrix[:, 3]  # (N, 3) in the camera's frame
    seen = seen[seen[:, 2] > 0]
    with np.errstate(over="ignore", invalid="ignore"):
        x, y = seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2]
        if camera.distortion:
            x, y = distorted(x, y, camera.distortion)
        u, v = np.rint(camera.fx_px * x + camera.cx_px), np.rint(camera.fy_px * y + camera.cy_px)
    # What is far outside, or not seen at all, would not fit an integer.
    near = (np.abs(u) < 1e9) & (np.abs(v) < 1e9)
    return u[near].astype(np.int64), v[near].astype(np.int64), seen[near, 2].astype(np.float32)


def _fill(depth: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Fill pixels within ``reach`` of a point on all sides, and take out what lies behind them."""
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    known = np.isfinite(depth)
    # The largest float32 stands for "none" in the erosion, which would turn infinities into nonsense.
    nearest = np.asarray(cv2.erode(np.where(known, depth, np.finfo(np.float32).max), kernel), np.float32)
    hidden = known & (depth - nearest > _HIDDEN_SHARE * depth)
    # Closing fills what has points on all sides within reach, and leaves the outline where it is.
    closed = np.asarray(cv2.morphologyEx((known & ~hidden).astype(np.uint8), cv2.MORPH_CLOSE, kernel), bool)
    filled = np.where(known & ~hidden, depth, np.float32(np.inf))
    gaps = closed & ~np.isfinite(filled)
    filled[gaps] = nearest[gaps]
    return filled
