"""The port ``CameraSource``, over every back end."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from connectors.camera.settings import WatchedSource
from connectors.camera.watched_folder import WatchedFolder
from connectors.capture_loop import CameraSource
from connectors.captured import Captured
from connectors.errors import SourceUnavailable
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.replay.settings import ReplayedSource
from connectors.replay.sources import open_replay
from connectors.source_ledger import SourceLedgers
from tests.components.waiting import wait_until
from wire.frame import frame_from_event

LINE = "plant1.hall2.line3"
CAMERA = f"{LINE}/camera1"
FRAMES = 5


def watched(folder: Path) -> CameraSource:
    for number in range(FRAMES):
        (folder / f"{number}.png").write_bytes(b"image")
        sidecar = {"image": f"{number}.png", "session": "s", "sequence": number, "captured_at": "2026-03-04T05:06:07Z"}
        (folder / f"{number}.json").write_text(json.dumps(sidecar))
    settings = WatchedSource(source=CAMERA, watch=folder)
    return WatchedFolder(settings, line=LINE, ledgers=SourceLedgers(), metrics=ConnectorMetrics(new_registry()))


def replayed(folder: Path) -> CameraSource:
    for number in range(FRAMES):
        cv2.imwrite(str(folder / f"{number}.png"), np.zeros((4, 4), np.uint8))
    return open_replay(ReplayedSource(source=CAMERA, folder=folder, rate_fps=1000), line=LINE)


@pytest.fixture(params=[watched, replayed])
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CameraSource]:
    make: Callable[[Path], CameraSource] = request.param
    camera = make(tmp_path)
    yield camera
    camera.close()


def take_all(camera: CameraSource) -> list[Captured]:
    taken: list[Captured] = []

    def all_there() -> bool:
        captured = camera.next(0.05)
        taken.extend([captured] if captured is not None else [])
        return len(taken) == FRAMES

    wait_until(all_there, 10, "all frames", interval_s=0.001)
    return taken


def test_every_frame_comes_once_and_numbers_never_go_back(camera: CameraSource) -> None:
    taken = take_all(camera)
    assert [one.origin.sequence for one in taken] == list(range(FRAMES))
    assert len({one.origin.session for one in taken}) == 1
    assert camera.next(0.05) is None


def test_frames_carry_the_line_the_source_and_a_time_zone(camera: CameraSource) -> None:
    assert camera.name == CAMERA
    for captured in take_all(camera):
        frame = frame_from_event(captured.event)
        assert (captured.origin.line, captured.origin.source) == (LINE, CAMERA)
        assert frame.origin == captured.origin
        assert frame.captured_at.tzinfo is not None


def test_frames_stay_valid_after_close_and_may_be_let_go(camera: CameraSource) -> None:
    taken = take_all(camera)
    camera.close()
    for captured in taken:
        assert captured.event.data
        captured.done()


@pytest.mark.parametrize("make", [watched, replayed])
def test_a_camera_that_is_away_says_so_and_comes_back(make: Callable[[Path], CameraSource], tmp_path: Path) -> None:
    folder, away = tmp_path / "here", tmp_path / "away"
    folder.mkdir()
    camera = make(folder)
    folder.rename(away)
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        camera.next(0.05)
    away.rename(folder)
    assert len(take_all(camera)) == FRAMES
    camera.close()
