"""Cameras behind a GenTL producer: the GenICam committee's own, with simulated cameras."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connectors.errors import SourceUnavailable
from connectors.genicam.genicam_camera import GenicamCamera
from connectors.genicam.settings import GenicamSource
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.source_ledger import SourceLedgers
from tests.components.gentl_producer import CAMERA, OTHER_CAMERA, viky
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE
from wire.frame import Frame, frame_from_event
from wire.image_codec import decode_image
from wire.timestamps import ClockOrigin

pytestmark = [pytest.mark.slow]


@pytest.fixture
def open_camera() -> Iterator[Any]:
    opened: list[GenicamCamera] = []

    def make(camera: str = CAMERA, **keys: Any) -> GenicamCamera:
        settings = GenicamSource.model_validate(
            {"source": f"{LINE}/camera1", "camera": camera, "producer": viky(), "buffers": 4, **keys}
        )
        metrics = ConnectorMetrics(new_registry())
        opened.append(GenicamCamera(settings, line=LINE, ledgers=SourceLedgers(), metrics=metrics))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def frames(camera: GenicamCamera, count: int) -> list[Frame]:
    taken: list[Frame] = []

    def enough() -> bool:
        captured = camera.next(1.0)
        taken.extend([frame_from_event(captured.event)] if captured is not None else [])
        return len(taken) >= count

    wait_until(enough, 20, f"{count} frames", interval_s=0.001)
    return taken


@pytest.mark.parametrize(("pixel_format", "is_grey"), [("Mono8", True), ("RGBa8", False)])
def test_each_pixel_format_becomes_an_image(open_camera: Any, pixel_format: str, is_grey: bool) -> None:
    taken = frames(open_camera(pixel_format=pixel_format, encoding="png"), 3)
    image = decode_image(taken[0].payload)
    assert (image.shape, image.dtype) == ((400, 400, 3), np.uint8)
    assert image.std() > 0
    assert (image[..., 0] == image[..., 2]).all() == is_grey
    assert [frame.origin.sequence for frame in taken] == [0, 1, 2]
    assert {frame.clock for frame in taken} == {ClockOrigin.HOST}  # this producer tells no times


def test_two_cameras_of_one_producer_are_captured_at_once(open_camera: Any) -> None:
    first, second = open_camera(pixel_format="Mono8"), open_camera(OTHER_CAMERA, pixel_format="Mono8")
    pictures = [decode_image(frames(camera, 1)[0].payload) for camera in (first, second)]
    assert [picture.shape for picture in pictures] == [(400, 400, 3)] * 2
    frames(first, 3)


def test_a_camera_that_is_let_go_can_be_taken_again_as_a_new_session(open_camera: Any) -> None:
    camera = open_camera(pixel_format="Mono8")
    first = frames(camera, 2)
    camera.close()
    again = frames(camera, 2)
    assert [frame.origin.sequence for frame in again] == [0, 1]
    assert first[0].origin.session != again[0].origin.session


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"camera": "nobody"}, "nobody: the producer sees no such camera; it sees VikyTL_DEV_red, VikyTL_DEV_green"),
        ({"producer": Path("/nowhere/x.cti")}, "producer: /nowhere/x.cti is not there"),
        ({"pixel_format": "Mono12"}, "pixel_format: the camera refuses 'Mono12': it offers RGBa8, Mono8"),
        ({"rate_fps": 9999.0}, "rate_fps: the camera refuses 9999.0: it takes"),
        ({"exposure_us": 10.0}, "exposure_us: the camera refuses 10.0: it has no such feature"),
        ({"trigger": "software", "rate_fps": 5.0}, "trigger: the camera refuses 'On': it has no such feature"),
        ({"features": {"NoSuch": 1}}, "features.NoSuch: the camera refuses 1: it has no such feature"),
    ],
)
def test_what_is_wrong_is_said_with_what_there_is_instead(open_camera: Any, keys: dict[str, Any], message: str) -> None:
    camera = open_camera(**keys)
    with pytest.raises(SourceUnavailable) as away:
        camera.next(0.1)
    assert message in str(away.value)
