"""A picture with marked regions, as the network and the camera saw it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.backbones.picture_features import PictureFeatures
from wire.errors import ShapeError


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenPicture:
    """``numbers`` (H, W) uint8: a pixel's region + 1, 0 in none; pixels (3, h, w) in [0, 1]: the working picture.

    ShapeError if the pixels are not those of a colour picture.
    """

    features: PictureFeatures
    pixels: NDArray[np.float32]
    numbers: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[0] != 3 or self.numbers.ndim != 2:
            shapes = f"pixels {self.pixels.shape} and numbers {self.numbers.shape}"
            raise ShapeError(f"{shapes}, expected (3, h, w) and (H, W)")
