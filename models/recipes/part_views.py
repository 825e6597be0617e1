"""The pictures of a part as a detector works on them: images, depth, point clouds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.backbones.geometry import GeometrySettings, height_picture
from models.backbones.planes import Planes
from models.backbones.point_grid import cloud_depth_mm
from wire.image_codec import to_u8
from wire.part import Part


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """One picture of one part: planes for the detector; ``grey`` makes the (H, W) levels for facts when needed."""

    part: int
    modality: str
    planes: Planes
    grey: Callable[[], NDArray[np.uint8]]
    mm_per_px: float | None


ImagePlanes = Callable[[NDArray[np.uint8] | NDArray[np.uint16]], Planes]
DepthPlanes = Callable[[NDArray[np.float32]], Planes]


def image_views(index: int, part: Part, planes_of: ImagePlanes) -> list[View]:
    """Every image of ``part``, by name."""
    return [
        View(
            part=index,
            modality=name,
            planes=replace(planes_of(image), spec=part.spec, learned_words=part.learned_words),
            grey=lambda image=image: np.asarray(cv2.cvtColor(to_u8(image), cv2.COLOR_RGB2GRAY), np.uint8),  # type: ignore[misc]
            mm_per_px=part.mm_per_px,
        )
        for name, image in sorted(part.images.items())
    ]


def depth_views(index: int, part: Part, planes_of: DepthPlanes, geometry: GeometrySettings) -> list[View]:
    """The depth image and every point cloud of ``part``; sizes in mm are unknown there (another camera's pixels)."""
    depths: Mapping[str, NDArray[np.float32]] = {
        **({"depth": part.depth_mm} if part.depth_mm is not None else {}),
        **{name: cloud_depth_mm(cloud) for name, cloud in sorted(part.clouds.items())},
    }
    return [
        View(
            part=index,
            modality=name,
            planes=planes_of(depth),
            grey=lambda depth=depth: height_picture(depth, geometry),  # type: ignore[misc]
            mm_per_px=None,
        )
        for name, depth in depths.items()
    ]
