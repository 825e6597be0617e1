"""A frame's payload, decoded: exactly one of image, depth, cloud and sensor window."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wire.part import PointCloud
from wire.sensor_window import SensorWindow

# What a sample of a sensor window weighs as Python objects: three tuples of boxed numbers.
_BYTES_PER_SAMPLE = 96


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Content:
    """image (H, W, 3) uint8 or uint16; depth_mm (H, W) float32, NaN = no return."""

    image: NDArray[np.uint8] | NDArray[np.uint16] | None = None
    depth_mm: NDArray[np.float32] | None = None
    cloud: PointCloud | None = None
    sensor: SensorWindow | None = None

    @property
    def nbytes(self) -> int:
        """Memory of the decoded arrays."""
        if self.image is not None:
            return self.image.nbytes
        if self.depth_mm is not None:
            return self.depth_mm.nbytes
        if self.cloud is not None:
            return self.cloud.xyz_mm.nbytes
        channels = self.sensor.channels if self.sensor is not None else ()
        return _BYTES_PER_SAMPLE * sum(len(channel.values) for channel in channels)
