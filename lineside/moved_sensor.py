"""The calibration of a sensor that was moved, from the one before and how its new clouds lie to its old ones."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from connectors.calibration import load_calibration
from lineside.cloud_registration import Registration
from stream.steps.point_cloud import decode_point_cloud
from wire.errors import ConfigurationError, DecodeError


def read_cloud(path: Path, scale: float) -> NDArray[np.float32]:
    """(N, 3) in mm. ConfigurationError names the file that is none."""
    try:
        data = path.read_bytes()
        content_type = "text/plain" if path.suffix.lower() in (".xyz", ".txt", ".csv") else ""
        return decode_point_cloud(data, content_type=content_type, attributes={"pointscale": repr(scale)}).xyz_mm
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from error
    except DecodeError as error:
        raise ConfigurationError([f"{path}: is no point cloud: {error}"]) from error


def moved_version(path: Path, moved: Registration, *, name: str) -> str:
    """The version to append, as YAML: what the last one says, with the sensor where it stands now.

    A point of the new cloud goes to the reference's frame first, then on as before: [R | t] = last [R | t] · moved.
    """
    last = load_calibration(path).versions[-1]
    before = np.eye(4)
    before[:3, :3] = np.array(last.rotation).reshape(3, 3)
    before[:3, 3] = last.translation_mm
    now = before @ moved.new_to_reference
    version = last.model_dump(mode="json", exclude_defaults=True) | {
        "version": name,
        "valid_from": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "rotation": [round(float(value), 9) for value in now[:3, :3].ravel()],
        "translation_mm": [round(float(value), 4) for value in now[:3, 3]],
    }
    return yaml.safe_dump([version], sort_keys=False, default_flow_style=None)
