"""Point clouds as depth images: on a calibrated camera's picture, on their own grid, or along the sensor's axis."""

import math

import numpy as np
from numpy.typing import NDArray

from models.backbones.cloud_projection import project
from wire.errors import ShapeError
from wire.part import PointCloud

# Cells hold about two points on average, so that an even cloud leaves few holes.
_POINTS_PER_CELL = 2.0
_MAX_CELLS = 4_000_000


def cloud_depth_mm(cloud: PointCloud) -> NDArray[np.float32]:
    """(H, W) float32 in mm along z, NaN = no point.

    With a camera: on its picture (``cloud_projection.project``), so that maps and regions lie on the photo. Organised:
    the sensor's own grid. Unorganised: square cells in x and y (row 0 = smallest y); a cell keeps its point nearest to
    the sensor (smallest z). The pitch follows from the cloud's density in steps of a quarter octave, so that parts of
    one line share it. ShapeError if the points are not (N, 3) or do not fill the grid.
    """
    points = cloud.xyz_mm
    if points.ndim != 2 or points.shape[1] != 3:
        raise ShapeError(f"points have shape {points.shape}, expected (N, 3)")
    if cloud.camera is not None:
        return project(cloud, cloud.camera)
    if cloud.grid is not None:
        height, width = cloud.grid
        if height * width != len(points):
            raise ShapeError(f"{len(points)} points do not fill a grid of {height} x {width}")
        return np.ascontiguousarray(points[:, 2].reshape(height, width), dtype=np.float32)
    known = points[np.isfinite(points).all(axis=1)].astype(np.float64)
    if len(known) == 0:
        return np.full((1, 1), np.nan, np.float32)
    low = known[:, :2].min(axis=0)
    extent = np.maximum(known[:, :2].max(axis=0) - low, 1e-6)
    pitch = math.sqrt(float(extent.prod()) * _POINTS_PER_CELL / len(known))
    pitch = max(pitch, math.sqrt(float(extent.prod()) / _MAX_CELLS), float(extent.max()) / _MAX_CELLS * 100)
    pitch = 2 ** (math.ceil(4 * math.log2(pitch)) / 4)
    columns, rows = ((known[:, :2] - low) / pitch).astype(np.int64).T
    width, height = int(columns.max()) + 1, int(rows.max()) + 1
    depth = np.full(height * width, np.inf)
    np.minimum.at(depth, rows * width + columns, known[:, 2])
    depth[np.isinf(depth)] = np.nan
    return depth.reshape(height, width).astype(np.float32)
