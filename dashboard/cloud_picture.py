"""Point clouds as pictures: height in colours, on the grid that the detector's maps and boxes lie on."""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from models.backbones.point_grid import cloud_depth_mm
from stream.steps.point_cloud import decode_point_cloud


def cloud_picture(data: bytes, content_type: str, attributes: Mapping[str, str]) -> NDArray[np.uint8]:
    """(H, W, 3) BGR: what is nearer to the sensor is brighter; where no point lies it is black.

    The scale spans the 1st to the 99th percentile of this cloud. DecodeError if the payload is no cloud.
    """
    depth = cloud_depth_mm(decode_point_cloud(data, content_type=content_type, attributes=attributes))
    known = np.isfinite(depth)
    if not known.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    near, far = np.percentile(depth[known], (1, 99))
    # A flat cloud has no range to stretch: a micrometre more keeps it one colour.
    level = np.clip((far - np.where(known, depth, far)) / max(float(far - near), 1e-3), 0, 1) * 255
    colour = np.asarray(cv2.applyColorMap(level.astype(np.uint8), cv2.COLORMAP_VIRIDIS), np.uint8)
    colour[~known] = 0
    return colour
