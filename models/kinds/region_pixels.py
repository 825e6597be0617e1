"""The pixels of each region of a picture, by their coordinates: regions are small where pictures are large."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionPixels:
    """y (N,), x (N,) of a region's pixels, N >= 1; ``size`` (H, W) of its picture."""

    y: NDArray[np.intp]
    x: NDArray[np.intp]
    size: tuple[int, int]

    def on_working_picture(self, worked: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(y, x) of the working pixels ``worked`` (h, w) that hold the pixels' centres, in their order."""
        return (
            ((2 * self.y + 1) * worked[0]) // (2 * self.size[0]),
            ((2 * self.x + 1) * worked[1]) // (2 * self.size[1]),
        )

    def cropped(self) -> NDArray[np.bool_]:
        """The region within its tight box."""
        top, left = int(self.y.min()), int(self.x.min())
        crop = np.zeros((int(self.y.max()) - top + 1, int(self.x.max()) - left + 1), np.bool_)
        crop[self.y - top, self.x - left] = True
        return crop


def region_pixels(numbers: NDArray[np.uint8], count: int) -> list[RegionPixels]:
    """Of the regions 0 to ``count`` - 1 of ``numbers`` (H, W). ValueError names one without a pixel."""
    size = (int(numbers.shape[0]), int(numbers.shape[1]))
    y, x = np.nonzero(numbers)
    owners = numbers[y, x]
    found = []
    for index in range(count):
        own = owners == index + 1
        if not own.any():
            raise ValueError(f"region {index} of {count} holds no pixel")
        found.append(RegionPixels(y=y[own], x=x[own], size=size))
    return found
