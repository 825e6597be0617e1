"""How a camera was calibrated, version by version: a YAML file beside the connector's own."""

import math
from datetime import datetime
from pathlib import Path

import numpy as np
from pydantic import AwareDatetime, Field, ValidationError, field_validator, model_validator

from connectors.settings import Strict
from wire.errors import ConfigurationError
from wire.pinhole_camera import PinholeCamera
from wire.settings_file import problems, read_keys

# Nine numbers that people copy with four digits are no exact rotation.
_ROTATION_TOLERANCE = 1e-3


class CalibrationVersion(Strict):
    """One measurement; it holds for frames captured from ``valid_from`` until the next version's."""

    version: str = Field(min_length=1, max_length=100)
    valid_from: AwareDatetime
    fx_px: float = Field(gt=0)
    fy_px: float = Field(gt=0)
    cx_px: float
    cy_px: float
    width: int = Field(ge=1, le=12_000, description="of the picture, in px")
    height: int = Field(ge=1, le=12_000)
    distortion: tuple[float, ...] = Field(
        default=(),
        description="of the lens, by OpenCV: k1, k2, p1, p2, and k3 where known; none: pictures are rectified",
    )
    # The 3D sensor's own frame is the camera's where both are one device.
    rotation: tuple[float, ...] = Field(
        default=(1, 0, 0, 0, 1, 0, 0, 0, 1), min_length=9, max_length=9, description="sensor to camera, row by row"
    )
    translation_mm: tuple[float, ...] = Field(default=(0, 0, 0), min_length=3, max_length=3)

    @field_validator("distortion")
    @classmethod
    def _is_opencvs(cls, distortion: tuple[float, ...]) -> tuple[float, ...]:
        if len(distortion) not in (0, 4, 5) or not all(map(math.isfinite, distortion)):
            raise ValueError(f"has {len(distortion)} numbers; give k1, k2, p1, p2 and, where known, k3")
        return (*distortion, 0.0) if len(distortion) == 4 else distortion

    @model_validator(mode="after")
    def _is_rotation(self) -> "CalibrationVersion":
        matrix = np.array(self.rotation).reshape(3, 3)
        off = float(np.abs(matrix @ matrix.T - np.eye(3)).max())
        if off > _ROTATION_TOLERANCE or np.linalg.det(matrix) < 0:
            raise ValueError(f"rotation: is none (off by {off:.2g}, determinant {np.linalg.det(matrix):.3g})")
        return self

    def attributes(self) -> dict[str, str]:
        """What travels with each frame."""
        rotation, shift = self.rotation, self.translation_mm
        rows = [(*rotation[3 * row : 3 * row + 3], shift[row]) for row in range(3)]
        return PinholeCamera(
            fx_px=self.fx_px,
            fy_px=self.fy_px,
            cx_px=self.cx_px,
            cy_px=self.cy_px,
            width=self.width,
            height=self.height,
            sensor_to_camera=tuple(value for row in rows for value in row),
            calibration=self.version,
            distortion=self.distortion,
        ).to_attributes()


class CameraCalibration(Strict):
    """Every version of one camera's calibration. What was taken under an old one keeps it."""

    versions: tuple[CalibrationVersion, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ascend(self) -> "CameraCalibration":
        moments = [one.valid_from for one in self.versions]
        if moments != sorted(set(moments)):
            raise ValueError("versions: valid_from ascends from each version to the next")
        names = [one.version for one in self.versions]
        if len(set(names)) < len(names):
            raise ValueError(f"versions: {max(names, key=names.count)!r} appears twice; each has its own name")
        return self

    def at(self, moment: datetime) -> CalibrationVersion | None:
        """The version that holds at ``moment``; None before the first."""
        return next((one for one in reversed(self.versions) if one.valid_from <= moment), None)


def load_calibration(path: Path) -> CameraCalibration:
    """Read a file. ConfigurationError lists everything that is wrong with it."""
    try:
        return CameraCalibration.model_validate(read_keys(path))
    except ValidationError as error:
        raise ConfigurationError(problems(error, where=str(path))) from error
