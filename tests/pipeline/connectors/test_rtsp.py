"""Replay from a real RTSP camera: frames, a lost camera, a frozen one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.captured import Captured
from connectors.errors import SourceUnavailable
from connectors.replay.settings import ReplayedSource
from connectors.replay.sources import ReplayCamera, open_replay
from tests.components.requirement import require
from tests.components.rtsp_server import RealRtspCamera
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, ConnectorProcess
from tests.pipeline.connectors.edge_ledger import ledgers_of
from tests.pipeline.connectors.published import Published
from wire import topics
from wire.frame import frame_from_event
from wire.image_codec import decode_image
from wire.kafka.embedded import EmbeddedBroker

CAMERA = f"{LINE}/camera1"

pytestmark = [pytest.mark.slow]


@pytest.fixture
def camera() -> Iterator[RealRtspCamera]:
    require("gstreamer")
    with RealRtspCamera() as camera:
        yield camera


@pytest.fixture
def replay(camera: RealRtspCamera) -> Iterator[ReplayCamera]:
    settings = ReplayedSource(source=CAMERA, rtsp=camera.address, rate_fps=20, stale_after_s=1.0)
    replay = open_replay(settings, line=LINE)
    yield replay
    replay.close()


def take(replay: ReplayCamera, count: int) -> list[Captured]:
    taken: list[Captured] = []

    def enough() -> bool:
        try:
            captured = replay.next(0.1)
        except SourceUnavailable:
            return False
        taken.extend([captured] if captured is not None else [])
        return len(taken) >= count

    wait_until(enough, 30, f"{count} frames")
    return taken


def test_frames_of_a_camera_arrive_and_go_on_after_it_was_away(camera: RealRtspCamera, replay: ReplayCamera) -> None:
    first = take(replay, 5)
    assert decode_image(frame_from_event(first[0].event).payload).shape == (120, 160, 3)
    camera.kill()

    def is_away() -> bool:
        try:
            replay.next(0.1)
        except SourceUnavailable as error:
            return "no frame for" in str(error)
        return False

    wait_until(is_away, 15, "the source to notice")
    camera.start()
    more = take(replay, 5)
    sequences = [one.origin.sequence for one in (*first, *more)]
    assert sequences == sorted(set(sequences))
    assert len({one.origin.session for one in (*first, *more)}) == 1


@pytest.mark.fault
def test_a_stream_that_stalls_is_noticed_and_each_frame_that_came_is_published(
    camera: RealRtspCamera, tmp_path: Path
) -> None:
    source = {"source": CAMERA, "rtsp": camera.address, "rate_fps": 20, "stale_after_s": 1.0}
    with (
        EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker,
        ConnectorProcess("replay", tmp_path, bootstrap=broker.bootstrap, sources=[source]) as connector,
    ):
        published = Published(broker.bootstrap)
        wait_until(lambda: len(published.sequences()) >= 5, 30, lambda: connector.log_tail())
        camera.freeze()  # the connection stays, and nothing comes
        wait_until(
            lambda: "no frame for" in (connector.probe("/readyz") or (0, ""))[1], 15, "the connector to notice"
        )  # fmt: skip
        there = len(published.sequences())
        camera.kill()
        camera.start()
        wait_until(lambda: len(published.sequences()) >= there + 5, 30, lambda: connector.log_tail())
        connector.stop()
        (ledger,) = ledgers_of(published, CAMERA).values()
    assert ledger.published == set(range(ledger.last + 1))
    assert (ledger.holes, ledger.dropped) == (set(), {})
