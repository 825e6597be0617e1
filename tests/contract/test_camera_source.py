"""The port ``CameraSource``, over every back end."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from connectors.camera.opening import open_camera
from connectors.camera.settings import WatchedSource
from connectors.capture_loop import CameraSource
from connectors.captured import Captured
from connectors.errors import SourceUnavailable
from connectors.genicam.settings import GenicamSource
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.replay.settings import ReplayedSource
from connectors.source_ledger import SourceLedgers
from tests.components.genicam_camera import RealGenicamCamera
from tests.components.gentl_producer import CAMERA as SIMULATED
from tests.components.gentl_producer import viky
from tests.components.requirement import require
from tests.components.rtsp_server import RealRtspCamera
from tests.components.waiting import wait_until
from wire.frame import frame_from_event

LINE = "plant1.hall2.line3"
CAMERA = f"{LINE}/camera1"
FRAMES = 5


class Device(ABC):
    """What a back end captures from; ``ends``: it has ``FRAMES`` frames and no more."""

    ends = True

    @abstractmethod
    def settings(self) -> WatchedSource | GenicamSource | ReplayedSource: ...

    @abstractmethod
    def go_away(self) -> None: ...

    @abstractmethod
    def come_back(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...


class Files(Device):
    """Something in a folder, which is away while the folder is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "here"
        self.folder.mkdir()
        self._away = folder / "away"

    def go_away(self) -> None:
        self.folder.rename(self._away)

    def come_back(self) -> None:
        self._away.rename(self.folder)

    def close(self) -> None:
        """There is no process."""


class Watched(Files):
    def settings(self) -> WatchedSource:
        for at in range(FRAMES):
            (self.folder / f"{at}.png").write_bytes(b"image")
            sidecar = {"image": f"{at}.png", "session": "s", "sequence": at, "captured_at": "2026-03-04T05:06:07Z"}
            (self.folder / f"{at}.json").write_text(json.dumps(sidecar))
        return WatchedSource(source=CAMERA, watch=self.folder)


class Pictures(Files):
    def settings(self) -> ReplayedSource:
        for at in range(FRAMES):
            cv2.imwrite(str(self.folder / f"{at}.png"), np.zeros((4, 4), np.uint8))
        return ReplayedSource(source=CAMERA, folder=self.folder, rate_fps=1000)


class Video(Files):
    def settings(self) -> ReplayedSource:
        with av.open(str(self.folder / "line.mp4"), "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for at in range(FRAMES):
                picture = np.full((48, 64, 3), 40 * at, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
        return ReplayedSource(source=CAMERA, video=self.folder / "line.mp4", rate_fps=1000)


class Rtsp(Device):
    ends = False

    def __init__(self, _: Path) -> None:
        require("gstreamer")
        self._camera = RealRtspCamera().start()

    def settings(self) -> ReplayedSource:
        return ReplayedSource(source=CAMERA, rtsp=self._camera.address, rate_fps=100, stale_after_s=1.0)

    def go_away(self) -> None:
        self._camera.kill()

    def come_back(self) -> None:
        self._camera.start()

    def close(self) -> None:
        self._camera.__exit__()


class Genicam(Device):
    ends = False

    def __init__(self, _: Path) -> None:
        require("aravis")
        self._camera = RealGenicamCamera().start()

    def settings(self) -> GenicamSource:
        region = {"width": 128, "height": 64}
        keys = {"source": CAMERA, "camera": self._camera.address, "region": region, "stale_after_s": 1.0}
        return GenicamSource.model_validate(keys)

    def go_away(self) -> None:
        self._camera.kill()

    def come_back(self) -> None:
        self._camera.start()

    def close(self) -> None:
        self._camera.__exit__()


class Gentl(Device):
    """A simulated camera of the GenICam committee's own producer."""

    ends = False

    def __init__(self, _: Path) -> None:
        self._producer = viky()

    def settings(self) -> GenicamSource:
        return GenicamSource(source=CAMERA, camera=SIMULATED, producer=self._producer, pixel_format="Mono8", buffers=4)

    def go_away(self) -> None:
        pytest.skip("a simulated camera of a producer cannot be unplugged")

    def come_back(self) -> None:
        """It was not away."""

    def close(self) -> None:
        """There is no process."""


KINDS = [Watched, Pictures, Video, *(pytest.param(kind, marks=pytest.mark.slow) for kind in (Rtsp, Genicam, Gentl))]


@pytest.fixture(params=KINDS)
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    device: Device = request.param(tmp_path)
    yield device
    device.close()


@pytest.fixture
def camera(device: Device) -> Iterator[CameraSource]:
    metrics = ConnectorMetrics(new_registry())
    camera = open_camera(device.settings(), line=LINE, ledgers=SourceLedgers(), metrics=metrics)
    yield camera
    camera.close()


def take(camera: CameraSource, count: int = FRAMES) -> list[Captured]:
    taken: list[Captured] = []

    def all_there() -> bool:
        try:
            captured = camera.next(0.05)
        except SourceUnavailable:
            return False
        taken.extend([captured] if captured is not None else [])
        return len(taken) == count

    wait_until(all_there, 20, f"{count} frames", interval_s=0.001)
    return taken


def test_every_frame_comes_once_and_numbers_never_go_back(device: Device, camera: CameraSource) -> None:
    taken = take(camera)
    numbers = [one.origin.sequence for one in taken]
    assert numbers == (list(range(FRAMES)) if device.ends else sorted(set(numbers)))
    assert len({one.origin.session for one in taken}) == 1
    assert len({one.origin.event_id for one in taken}) == FRAMES
    assert not device.ends or camera.next(0.05) is None


def test_frames_carry_the_line_the_source_and_a_time_zone(camera: CameraSource) -> None:
    assert camera.name == CAMERA
    for captured in take(camera):
        frame = frame_from_event(captured.event)
        assert (captured.origin.line, captured.origin.source) == (LINE, CAMERA)
        assert frame.origin == captured.origin
        assert frame.captured_at.tzinfo is not None


def test_frames_stay_valid_after_close_and_may_be_let_go(camera: CameraSource) -> None:
    taken = take(camera)
    camera.close()
    for captured in taken:
        assert captured.event.data
        captured.done()


def test_a_camera_that_is_away_says_so_and_comes_back(device: Device, camera: CameraSource) -> None:
    if not device.ends:
        take(camera)  # files are read ahead; a live camera is lost while it sends
    device.go_away()

    def says_so() -> bool:
        try:
            camera.next(0.05)
        except SourceUnavailable as error:
            return error.retry_after_s > 0
        return False

    wait_until(says_so, 20, "the camera to be missed")
    device.come_back()
    take(camera)
