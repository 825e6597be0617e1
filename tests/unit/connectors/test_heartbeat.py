"""Heartbeats: one per live session, behind the acknowledgements it speaks of, never two of one under way."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connectors.heartbeat import HeartbeatSender
from connectors.source_ledger import SourceLedgers
from tests.components.waiting import wait_until
from tests.unit.connectors.frames import CAMERA, LINE, origin
from tests.unit.connectors.memory_sender import MemorySender
from wire import topics
from wire.ledger import Heartbeat, HeartbeatStage, SpoolState

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def sender() -> Iterator[MemorySender]:
    sender = MemorySender()
    yield sender
    sender.resume()
    sender.close(1.0)


def beats(sender: MemorySender) -> list[Heartbeat]:
    sender.flush(2.0)
    return [Heartbeat.from_json(event.data) for event in sender.events(topics.HEARTBEAT)]


def test_a_heartbeat_carries_the_ledger_on_the_key_of_the_line(sender: MemorySender) -> None:
    ledgers = SourceLedgers()
    ledgers.published(origin(0))
    ledgers.captured(origin(1))
    HeartbeatSender(sender, ledgers, lambda: NOW).beat()
    (beat,) = beats(sender)
    assert sender.records[0][:2] == (topics.FRAMES, LINE)
    assert (beat.line, beat.source, beat.session, beat.sent_at) == (LINE, CAMERA, "s1", NOW)
    assert (beat.stage, beat.closed) == (HeartbeatStage.SENT, False)
    assert (str(beat.ledger.captured), str(beat.ledger.published), str(beat.ledger.in_flight)) == ("0-1", "0", "1")


def test_a_heartbeat_says_what_lies_in_the_spool(sender: MemorySender) -> None:
    ledgers = SourceLedgers()
    ledgers.spooled([origin(0)])
    state = SpoolState(size_bytes=4_200_000, limit_bytes=1_000_000_000, oldest_s=75.5)
    HeartbeatSender(sender, ledgers, spool=lambda: state).beat()
    assert [beat.spool for beat in beats(sender)] == [state]


def test_closing_marks_every_session(sender: MemorySender) -> None:
    ledgers = SourceLedgers()
    ledgers.captured(origin(0))
    HeartbeatSender(sender, ledgers).beat(closing=True)
    assert [beat.closed for beat in beats(sender)] == [True]


def test_a_finished_session_says_so_once_and_is_forgotten(sender: MemorySender) -> None:
    ledgers = SourceLedgers()
    ledgers.published(origin(0, session="old"))
    ledgers.captured(origin(0, session="new"))
    heartbeat = HeartbeatSender(sender, ledgers)
    heartbeat.beat()
    wait_until(lambda: len(ledgers.snapshot()) == 1, 5, "the finished session to be forgotten")
    heartbeat.beat()
    assert [(beat.session, beat.closed) for beat in beats(sender)] == [("old", True), ("new", False), ("new", False)]


def test_while_a_heartbeat_is_under_way_no_other_is_sent(sender: MemorySender) -> None:
    ledgers = SourceLedgers()
    ledgers.captured(origin(0))
    heartbeat = HeartbeatSender(sender, ledgers)
    sender.pause()
    for _ in range(3):
        heartbeat.beat()
    assert sender.open == 1
    sender.fail_open()
    heartbeat.beat()
    assert sender.open == 1


def test_a_sender_that_refuses_is_asked_again_at_the_next_beat(sender: MemorySender) -> None:
    ledgers = SourceLedgers()
    ledgers.captured(origin(0))
    heartbeat = HeartbeatSender(sender, ledgers)
    sender.refuse()
    heartbeat.beat()
    sender.resume()
    heartbeat.beat()
    assert len(beats(sender)) == 1
