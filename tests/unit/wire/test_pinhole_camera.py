"""A calibrated camera on the wire."""

from dataclasses import replace

import pytest

from wire.errors import DecodeError
from wire.pinhole_camera import PinholeCamera

CAMERA = PinholeCamera(
    fx_px=2410.5,
    fy_px=2409.8,
    cx_px=959.25,
    cy_px=601.75,
    width=1920,
    height=1200,
    sensor_to_camera=(1, 0, 0, -120.5, 0, 1, 0, 2.25, 0, 0, 1, 14.75),
    calibration="2026-03",
)


def test_a_camera_comes_back_as_it_was_written() -> None:
    attributes = CAMERA.to_attributes()
    assert attributes["intrinsics"] == "2410.5,2409.8,959.25,601.75"
    assert attributes["imagesize"] == "1920,1200"
    assert PinholeCamera.from_attributes(attributes) == CAMERA


def test_a_lens_travels_with_its_camera() -> None:
    bent = replace(CAMERA, distortion=(-0.31, 0.12, 0.0005, -0.00025, 0.0))
    assert bent.to_attributes()["distortion"] == "-0.31,0.12,0.0005,-0.00025,0"
    assert PinholeCamera.from_attributes(bent.to_attributes()) == bent
    assert "distortion" not in CAMERA.to_attributes()


def test_without_a_transform_there_is_no_camera() -> None:
    assert PinholeCamera.from_attributes({"intrinsics": "1,2,3,4"}) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sensortocamera": "1,2"}, "ce_sensortocamera is '1,2', expected 12 numbers"),
        ({"intrinsics": "0,1,2,3"}, "focal lengths are positive"),
        ({"intrinsics": "nan,1,2,3"}, "expected 4 numbers"),
        ({"intrinsics": ""}, "ce_intrinsics is '', expected 4 numbers"),
        ({"imagesize": "640.5,480"}, "expected width,height in px"),
        ({"imagesize": "99999,99999"}, "expected width,height in px"),
        ({"distortion": "1,2,3,4"}, "ce_distortion is '1,2,3,4', expected 5 numbers"),
        ({"imagesize": "wide,high"}, "ce_imagesize is 'wide,high', expected 2 numbers"),
    ],
)
def test_what_is_no_camera_says_why(change: dict[str, str], message: str) -> None:
    with pytest.raises(DecodeError, match="attribute") as wrong:
        PinholeCamera.from_attributes(CAMERA.to_attributes() | change)
    assert message in str(wrong.value)
