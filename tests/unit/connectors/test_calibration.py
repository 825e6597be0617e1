"""Calibrations: versions by time, and frames that carry the one that held."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from connectors.calibration import CameraCalibration, load_calibration
from connectors.camera.opening import open_camera
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.replay.settings import ReplayedSource
from connectors.source_ledger import SourceLedgers
from tests.unit.connectors.frames import LINE
from wire.errors import ConfigurationError
from wire.frame import Frame, frame_from_event
from wire.pinhole_camera import PinholeCamera

SAMPLE = Path(__file__).resolve().parents[3] / "connectors" / "camera" / "calibration.yaml"
MARCH = datetime(2026, 3, 2, 6, tzinfo=UTC)


def write(folder: Path, **changes: object) -> Path:
    one = {"version": "1", "valid_from": "2020-01-01T00:00:00Z", "fx_px": 10, "fy_px": 11, "cx_px": 2, "cy_px": 3}
    path = folder / "calibration.yaml"
    path.write_text(yaml.safe_dump({"versions": [{**one, "width": 8, "height": 6, **changes}]}))
    return path


def frame(folder: Path, calibration: Path) -> Frame:
    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    cv2.imwrite(str(pictures / "1.png"), np.zeros((6, 8), np.uint8))
    settings = ReplayedSource(source=f"{LINE}/camera1", folder=pictures, rate_fps=1000, calibration=calibration)
    camera = open_camera(settings, line=LINE, ledgers=SourceLedgers(), metrics=ConnectorMetrics(new_registry()))
    captured = camera.next(1.0)
    camera.close()
    assert captured is not None
    return frame_from_event(captured.event)


def test_the_version_that_held_when_a_frame_was_taken_is_its_own() -> None:
    calibration = load_calibration(SAMPLE)
    assert calibration.at(MARCH - timedelta(seconds=1)) is None
    assert calibration.at(MARCH).version == "2026-03 after assembly"
    assert calibration.at(datetime(2026, 9, 14, 13, 29, tzinfo=UTC)).fx_px == 2410.5
    assert calibration.at(datetime(2030, 1, 1, tzinfo=UTC)).version == "2026-09 new lens"


def test_a_frame_carries_where_the_sensors_points_lie_in_the_picture(tmp_path: Path) -> None:
    rotation = [0, -1, 0, 1, 0, 0, 0, 0, 1]  # a quarter turn about z
    path = write(tmp_path, rotation=rotation, translation_mm=[5, 6, 7])
    found = frame(tmp_path, path)
    assert found.attributes["filename"] == "1.png"  # what the device says stays
    camera = PinholeCamera.from_attributes(found.attributes)
    assert (camera.fx_px, camera.fy_px, camera.width, camera.calibration) == (10, 11, 8, "1")
    assert camera.sensor_to_camera == (0, -1, 0, 5, 1, 0, 0, 6, 0, 0, 1, 7)


def test_a_frame_carries_the_lens_with_four_numbers_or_five(tmp_path: Path) -> None:
    for given, carried in (([-0.3, 0.1, 0.001, -0.002], "-0.3,0.1,0.001,-0.002,0"), ([1, 2, 3, 4, 5], "1,2,3,4,5")):
        assert frame(tmp_path, write(tmp_path, distortion=given)).attributes["distortion"] == carried
    assert "distortion" not in frame(tmp_path, write(tmp_path)).attributes


def test_a_frame_from_before_the_first_version_carries_none(tmp_path: Path) -> None:
    found = frame(tmp_path, write(tmp_path, valid_from="2100-01-01T00:00:00Z"))
    assert "calibration" not in found.attributes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rotation": [1, 0, 0, 0, 1, 0, 0, 0, 2]}, "versions.0: rotation: is none (off by 3, determinant 2)"),
        ({"rotation": [1, 0, 0, 0, 1, 0, 0, 0, -1]}, "versions.0: rotation: is none (off by 0, determinant -1)"),
        ({"distortion": [1, 2, 3]}, "versions.0.distortion: has 3 numbers; give k1, k2, p1, p2 and"),
        ({"fx_px": 0}, "versions.0.fx_px = 0: Input should be greater than 0"),
        ({"valid_from": "2020-01-01T00:00:00"}, "versions.0.valid_from = '2020-01-01T00:00:00': Input should have tim"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, changes: dict, message: str) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(ConfigurationError) as wrong:
        load_calibration(path)
    assert wrong.value.problems[0].startswith(f"{path}: {message}")


def test_versions_ascend_and_have_names_of_their_own() -> None:
    one, two = load_calibration(SAMPLE).versions
    with pytest.raises(ValueError, match="valid_from ascends"):
        CameraCalibration(versions=(two, one))
    with pytest.raises(ValueError, match="'2026-03 after assembly' appears twice"):
        CameraCalibration(versions=(one, two.model_copy(update={"version": one.version})))
