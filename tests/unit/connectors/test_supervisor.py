"""The supervisor: the order of the end, and what happens when a part of the process fails."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.captured import Captured
from connectors.errors import PublisherFull
from connectors.heartbeat import HeartbeatSender
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.publisher import Publisher, PublisherLimits
from connectors.source import Submit
from connectors.source_ledger import SourceLedgers
from connectors.spool import Spool, SpoolPolicy
from connectors.supervisor import Supervisor
from tests.components.waiting import wait_until
from tests.unit.connectors.frames import CAMERA, captured
from tests.unit.connectors.memory_payloads import MemoryPayloads
from tests.unit.connectors.memory_sender import MemorySender
from wire import topics
from wire.errors import MustStop
from wire.event_sender import Delivered
from wire.ledger import Heartbeat


class ListSource:
    """Submits what it is given, then ``last`` when it is told to stop."""

    def __init__(self, frames: list[Captured], *, last: Captured | None = None, error: Exception | None = None) -> None:
        self.name = CAMERA
        self.trouble: str | None = None
        self._frames = frames
        self._last = last
        self._error = error

    def run(self, submit: Submit, stop: threading.Event) -> None:
        for one in self._frames:
            submit(one)
        if self._error is not None:
            raise self._error
        stop.wait()
        if self._last is not None:
            submit(self._last)


class BrokenSender(MemorySender):
    """A library that gave up for ever."""

    def send(self, topic: str, key: str, event: object, delivered: Delivered) -> None:
        raise MustStop("librdkafka gave up")


class Site:
    """A connector process without a process."""

    def __init__(self, folder: Path, source: ListSource, sender: MemorySender) -> None:
        self.sender = sender
        self.spool = Spool(folder, max_bytes=1024 * 1024)
        ledgers = SourceLedgers()
        self.publisher = Publisher(
            sender=sender,
            payloads=MemoryPayloads(),
            spool=self.spool,
            ledgers=ledgers,
            metrics=ConnectorMetrics(new_registry()),
            inline_limit_bytes=1000,
            policy=SpoolPolicy.EVERY_FRAME,
            limits=PublisherLimits(spool_after_s=60),
        )
        self.supervisor = Supervisor(
            sources=[source],
            publisher=self.publisher,
            heartbeat=HeartbeatSender(sender, ledgers),
            sender=sender,
            heartbeat_s=0.02,
        )
        self.ended: list[BaseException | None] = []
        self.thread = threading.Thread(target=self._run, name="supervised")
        self.thread.start()

    def _run(self) -> None:
        try:
            self.supervisor.run()
            self.ended.append(None)
        except MustStop as error:
            self.ended.append(error)

    def wait_ended(self) -> BaseException | None:
        self.thread.join(10)
        assert not self.thread.is_alive()
        return self.ended[0]

    def sequences(self) -> list[str]:
        return [event.extensions["sequence"] for event in self.sender.events(topics.FRAME_IMAGE)]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def start(source: ListSource, sender: MemorySender | None = None) -> Site:
        sites.append(Site(tmp_path / "spool", source, sender or MemorySender()))
        return sites[-1]

    yield start
    for site in sites:
        site.supervisor.stop()
        site.wait_ended()
        site.spool.close()


Run = Callable[..., Site]


def test_the_end_publishes_what_is_held_and_then_closes_the_session(run: Run) -> None:
    site = run(ListSource([captured(0), captured(1)], last=captured(2)))
    wait_until(lambda: len(site.sender.events(topics.HEARTBEAT)) >= 2, 5, "two heartbeats")
    assert site.supervisor.live() is None
    assert site.supervisor.ready() is None
    site.supervisor.stop()
    assert site.wait_ended() is None
    assert site.sequences() == ["0", "1", "2"]
    last = Heartbeat.from_json(site.sender.records[-1][2].data)
    assert last.closed
    assert str(last.ledger.published) == "0-2"


def test_with_a_broker_that_is_away_the_end_spools_what_is_held(run: Run) -> None:
    sender = MemorySender()
    sender.pause()
    site = run(ListSource([captured(0)], last=captured(1)), sender)
    site.supervisor.stop()
    assert site.wait_ended() is None
    assert [site.spool.read(number).extensions["sequence"] for number in site.spool.unacknowledged(0)] == ["0", "1"]


def test_no_heartbeat_leaves_out_what_an_earlier_process_spooled(run: Run, tmp_path: Path) -> None:
    earlier = Spool(tmp_path / "spool", max_bytes=1024 * 1024)
    earlier.append([captured(number).event for number in range(1200)])  # booked in three rounds, a beat each 20 ms
    earlier.close()
    site = run(ListSource([captured(1200)]))
    wait_until(lambda: len(site.sequences()) >= 1201, 20, "everything to be published")
    site.supervisor.stop()
    site.wait_ended()
    beats = [Heartbeat.from_json(event.data).ledger for event in site.sender.events(topics.HEARTBEAT)]
    assert {str(ledger.captured) for ledger in beats} <= {"0-1199", "0-1200"}
    assert str(beats[-1].published) == "0-1200"


def test_a_source_that_fails_ends_the_process_in_order_and_is_named(run: Run) -> None:
    site = run(ListSource([captured(0)], error=ValueError("no such register")))
    error = site.wait_ended()
    assert str(error) == "ValueError: no such register"
    assert site.sequences() == ["0"]
    assert site.supervisor.live() == f"no longer running: {CAMERA}"


def test_a_publisher_that_fails_ends_the_process_and_spools_what_it_held(run: Run) -> None:
    site = run(ListSource([captured(0)]), BrokenSender())
    error = site.wait_ended()
    assert str(error) == "MustStop: librdkafka gave up"
    assert site.supervisor.live() == "the publisher ended: librdkafka gave up"
    assert len(site.spool) == 1


def test_a_source_in_trouble_is_not_ready(run: Run) -> None:
    source = ListSource([])
    site = run(source)
    source.trouble = "the camera is off"
    assert site.supervisor.ready() == f"{CAMERA}: the camera is off"


def test_after_the_end_nothing_is_taken(run: Run) -> None:
    site = run(ListSource([]))
    site.supervisor.stop()
    site.wait_ended()
    with pytest.raises(PublisherFull, match="stopping"):
        site.publisher.submit(captured(0))
