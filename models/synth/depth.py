"""What a 3D sensor measures of a part: depth image and organised point cloud."""

from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.synth.seeding import Plane, clouds, white
from models.synth.setting import LineSetting
from wire.part import PointCloud

NOISE_MM: Final = 0.02
_DROPOUT: Final = 0.002
# A step steeper than this per px hides from the projector or the camera now and then.
_STEEP_MM: Final = 0.8


def draw_depth(line: LineSetting, shape_mm: Plane, albedo: Plane, rng: Generator) -> Plane:
    """Distance from the sensor in mm, (H, W), NaN = no return: at random, at steep steps, on what is nearly black."""
    height, width = shape_mm.shape
    tilt_x, tilt_y = rng.normal(0, 0.15, 2)  # mm over the part: how flat it lies
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    depth = np.float32(line.standoff_mm + rng.normal(0, 0.1)) + np.float32(tilt_x) * x + np.float32(tilt_y) * y
    depth = depth - shape_mm + white(rng, height, width) * np.float32(NOISE_MM)
    luck = rng.random((height, width), dtype=np.float32)
    patchy = np.maximum(clouds(rng, height, width, 20), 0)
    steep = np.asarray(cv2.morphologyEx(shape_mm, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)), np.float32)
    chance = np.float32(_DROPOUT) + (steep > _STEEP_MM) * np.float32(0.3) + (albedo < 0.03) * patchy * np.float32(0.01)
    depth[luck < chance] = np.nan
    return depth.astype(np.float32)


def cloud_of(line: LineSetting, depth_mm: NDArray[np.float32]) -> PointCloud:
    """The depth image as points of a pinhole camera, row by row."""
    height, width = depth_mm.shape
    focal_px = focal_length_px(line)
    x = (np.arange(width, dtype=np.float32)[None, :] - np.float32(width / 2)) / np.float32(focal_px)
    y = (np.arange(height, dtype=np.float32)[:, None] - np.float32(height / 2)) / np.float32(focal_px)
    points = np.stack([x * depth_mm, y * depth_mm, depth_mm], axis=2)  # (H, W, 3)
    return PointCloud(xyz_mm=points.reshape(-1, 3), grid=(height, width))


def focal_length_px(line: LineSetting) -> float:
    """Focal length of the 3D sensor: one px of the stand-off plane is ``mm_per_px`` wide."""
    return line.standoff_mm / line.mm_per_px
