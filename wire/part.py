"""A part as a detector sees it: the decoded frames of one part, one per modality."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from wire.line_state import LineSpec
from wire.pinhole_camera import PinholeCamera
from wire.sensor_window import SensorWindow


@dataclass(frozen=True, kw_only=True, eq=False)
class PointCloud:
    """xyz_mm (N, 3) float32 in the sensor's frame.

    ``grid`` = (height, width) if organised: then N = height x width and NaN = no return. ``camera``: onto whose picture
    it is projected for judging and showing, where the line is calibrated.
    """

    xyz_mm: NDArray[np.float32]
    grid: tuple[int, int] | None = None
    camera: PinholeCamera | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One part, ready to inspect.

    images: modality -> (H, W, 3) uint8 or uint16 (grey is repeated over the channels; uint16 uses the full range);
    depth_mm: (H, W) float32, NaN = no return; clouds: modality -> PointCloud. ``missing`` lists expected modalities
    that did not come, ``mm_per_px`` is known where the line is calibrated. ``spec``: what people said of its line, for
    detectors that read and judge it before there is a memory; None where nobody was asked. ``learned_words``: the file
    that ``spec`` names, for them, too; empty = none.
    """

    inspection_id: UUID
    line: str
    part_id: str
    product: str = ""
    images: Mapping[str, NDArray[np.uint8] | NDArray[np.uint16]] = field(default_factory=dict)
    depth_mm: NDArray[np.float32] | None = None
    clouds: Mapping[str, PointCloud] = field(default_factory=dict)
    sensor: SensorWindow | None = None
    missing: tuple[str, ...] = ()
    mm_per_px: float | None = None
    spec: LineSpec | None = None
    learned_words: bytes = b""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that are there, in a fixed order."""
        names = [*sorted(self.images), *(["depth"] if self.depth_mm is not None else []), *sorted(self.clouds)]
        return (*names, *(["sensor"] if self.sensor is not None else []))
