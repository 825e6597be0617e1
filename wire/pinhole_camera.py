"""A calibrated camera: where a point of a sensor lies in its picture. Travels with each frame as attributes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wire.errors import DecodeError

# 12 000 px: as of images; a forged size cannot fill the memory.
_MOST_PX: Final = 12_000
_ATTRIBUTES: Final = ("intrinsics", "imagesize", "sensortocamera")


@dataclass(frozen=True, kw_only=True, slots=True)
class PinholeCamera:
    """Pixel centres are whole numbers. Pictures are rectified, or as the lens distorts them.

    ``distortion``: nothing, or OpenCV's k1, k2, p1, p2, k3. ``sensor_to_camera``: twelve numbers, row by row, of the
    (3, 4) matrix [R | t] that takes a point in mm from the sensor's frame into the camera's (x right, y down, z
    forwards). ``calibration`` names the version that was measured.
    """

    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    width: int
    height: int
    sensor_to_camera: tuple[float, ...]
    calibration: str = ""
    distortion: tuple[float, ...] = ()

    def to_attributes(self) -> dict[str, str]:
        """As frame attributes."""
        calibration = {"calibration": self.calibration} if self.calibration else {}
        if self.distortion:
            calibration["distortion"] = ",".join(f"{value:.9g}" for value in self.distortion)
        return {
            "intrinsics": ",".join(f"{value:.9g}" for value in (self.fx_px, self.fy_px, self.cx_px, self.cy_px)),
            "imagesize": f"{self.width},{self.height}",
            "sensortocamera": ",".join(f"{value:.9g}" for value in self.sensor_to_camera),
            **calibration,
        }

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> "PinholeCamera | None":
        """None where ``sensortocamera`` is not there; DecodeError('attribute') where it is and something is wrong."""
        if "sensortocamera" not in attributes:
            return None
        intrinsics, size, transform = (
            _numbers(attributes, name, count) for name, count in zip(_ATTRIBUTES, (4, 2, 12), strict=True)
        )
        if min(intrinsics[:2]) <= 0:
            raise DecodeError("attribute", f"ce_intrinsics is {attributes['intrinsics']!r}, focal lengths are positive")
        if not all(value.is_integer() and 1 <= value <= _MOST_PX for value in size):
            raise DecodeError("attribute", f"ce_imagesize is {attributes['imagesize']!r}, expected width,height in px")
        return cls(
            fx_px=intrinsics[0],
            fy_px=intrinsics[1],
            cx_px=intrinsics[2],
            cy_px=intrinsics[3],
            width=int(size[0]),
            height=int(size[1]),
            sensor_to_camera=transform,
            calibration=attributes.get("calibration", ""),
            distortion=_numbers(attributes, "distortion", 5) if "distortion" in attributes else (),
        )


def _numbers(attributes: Mapping[str, str], name: str, count: int) -> tuple[float, ...]:
    text = attributes.get(name, "")
    try:
        numbers = tuple(float(word) for word in text.split(","))
    except ValueError as error:
        raise DecodeError("attribute", f"ce_{name} is {text!r}, expected {count} numbers") from error
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise DecodeError("attribute", f"ce_{name} is {text!r}, expected {count} numbers")
    return numbers
