"""The publisher: each step of an event's way broken just there; nothing lost, order kept."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connectors.errors import PublisherFull
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.publisher import Publisher, PublisherLimits
from connectors.source_ledger import SourceLedgers
from connectors.spool import Spool, SpoolPolicy
from tests.components.waiting import wait_until
from tests.unit.connectors.frames import captured, origin
from tests.unit.connectors.memory_payloads import MemoryPayloads
from tests.unit.connectors.memory_sender import MemorySender
from wire import topics
from wire.errors import BadInput
from wire.frame import frame_from_event
from wire.ledger import SourceLedger

INLINE_LIMIT = 1000
SPOOL_BYTES = 1024 * 1024
QUICK = PublisherLimits(spool_after_s=0.2)


@dataclass
class Bench:
    """A publisher with everything around it."""

    folder: Path
    sender: MemorySender = field(default_factory=MemorySender)
    payloads: MemoryPayloads = field(default_factory=MemoryPayloads)
    ledgers: SourceLedgers = field(default_factory=SourceLedgers)
    done: list[int] = field(default_factory=list)
    publisher: Publisher = field(init=False)
    registry: object = None
    inline_limit: int = INLINE_LIMIT

    def start(
        self,
        *,
        policy: SpoolPolicy = SpoolPolicy.EVERY_FRAME,
        limits: PublisherLimits = QUICK,
        max_bytes: int = SPOOL_BYTES,
        max_age_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> "Bench":
        self.registry = new_registry()
        self.spool = Spool(self.folder, max_bytes=max_bytes, max_age_s=max_age_s, clock=clock)
        self.publisher = Publisher(
            sender=self.sender,
            payloads=self.payloads,
            spool=self.spool,
            ledgers=self.ledgers,
            metrics=ConnectorMetrics(self.registry),
            inline_limit_bytes=self.inline_limit,
            policy=policy,
            limits=limits,
        )
        self.publisher.start()
        return self

    def submit(
        self, *sequences: int, payload: bytes = b"image", session: str = "s1", part_id: str | None = None
    ) -> None:
        for number in sequences:
            self.publisher.submit(
                captured(
                    number,
                    payload=payload,
                    session=session,
                    part_id=part_id,
                    done=lambda number=number: self.done.append(number),
                )
            )

    def published(self) -> list[int]:
        return [int(event.extensions["sequence"]) for event in self.sender.events(topics.FRAME_IMAGE)]

    def ledger(self, session: str = "s1") -> SourceLedger:
        return next(one.ledger for one in self.ledgers.snapshot() if one.session == session)

    def wait_done(self, count: int) -> None:
        wait_until(lambda: len(self.done) >= count, 10, lambda: f"{count} events to be done, {len(self.done)} are")

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    def close(self) -> int:
        left = self.publisher.close(1.0)
        self.spool.close()
        return left


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "spool")
    yield bench
    bench.payloads.gate.set()
    bench.sender.resume()
    if hasattr(bench, "spool") and bench.publisher.is_alive:
        bench.close()
    bench.sender.close(1.0)


def test_events_are_published_in_order_and_then_let_go(bench: Bench) -> None:
    bench.start().submit(*range(200))
    bench.wait_done(200)
    assert bench.published() == list(range(200))
    assert bench.done == list(range(200))
    ledger = bench.ledger()
    assert str(ledger.captured) == str(ledger.published) == "0-199"
    assert not ledger.in_flight
    assert bench.metric("connector_frames_total", source=origin(0).source, outcome="published") == 200


def test_a_payload_above_the_limit_is_in_the_store_before_its_claim_is_produced(bench: Bench) -> None:
    payload = bytes(range(256)) * 4  # 1024 > 1000
    bench.payloads.gate.clear()
    bench.start(limits=PublisherLimits()).submit(0, payload=payload)
    bench.submit(1)
    assert bench.sender.records == []  # the small one behind it waits: order is kept
    bench.payloads.gate.set()
    bench.wait_done(2)
    frame = frame_from_event(bench.sender.events(topics.FRAME_IMAGE)[0])
    assert frame.payload is None
    assert frame.claim is not None
    assert frame.claim.size == 1024
    assert frame.claim.sha256 == hashlib.sha256(payload).hexdigest()
    assert bench.payloads.stored == {frame.claim.ref: payload}
    assert bench.published() == [0, 1]


def test_step_1_an_object_store_that_is_away_sends_events_to_the_spool(bench: Bench) -> None:
    bench.payloads.away = True
    payload = b"x" * 2000
    bench.start().submit(0, 1, payload=payload)
    bench.wait_done(2)  # safe on disk, with their payload
    assert bench.published() == []
    assert str(bench.ledger().spooled) == "0-1"
    assert bench.publisher.trouble == "the store is away"
    bench.payloads.away = False
    wait_until(lambda: bench.published() == [0, 1], 10, "the spool to be drained")
    assert [frame_from_event(e).claim.size for e in bench.sender.events(topics.FRAME_IMAGE)] == [2000, 2000]


def test_step_1_a_put_that_hangs_does_not_keep_events_in_memory(bench: Bench) -> None:
    bench.payloads.gate.clear()
    bench.start().submit(0, payload=b"x" * 2000)
    bench.wait_done(1)
    assert str(bench.ledger().spooled) == "0"
    bench.payloads.gate.set()
    wait_until(lambda: bench.published() == [0], 10, "the spool to be drained")


def test_step_2_a_sender_that_refuses_sends_events_to_the_spool_which_is_drained_in_order(bench: Bench) -> None:
    bench.sender.refuse()
    bench.start().submit(*range(50))
    bench.wait_done(50)
    assert str(bench.ledger().spooled) == "0-49"
    bench.submit(*range(50, 60))
    bench.sender.resume()
    bench.submit(*range(60, 70))
    wait_until(lambda: len(bench.published()) >= 70, 10, "everything to be published")
    assert bench.published() == list(range(70))
    wait_until(lambda: str(bench.ledger().published) == "0-69", 5, "the ledger")
    wait_until(lambda: not list(bench.folder.glob("*.seg")), 5, "the spool's files to be removed")


def test_step_3_events_that_are_not_acknowledged_in_time_go_to_the_spool(bench: Bench) -> None:
    bench.sender.pause()
    bench.start().submit(0, 1, 2)
    bench.wait_done(3)
    assert bench.published() == []
    assert str(bench.ledger().spooled) == "0-2"
    bench.submit(3)
    bench.wait_done(4)  # while the broker hangs, newer ones follow them
    bench.sender.resume()
    wait_until(lambda: str(bench.ledger().published) == "0-3", 10, "late acknowledgements")
    assert bench.published() == [0, 1, 2, 3]  # the late acknowledgement counted: nothing was sent twice
    assert bench.done == [0, 1, 2, 3]


def test_step_3_events_that_fail_are_published_again_in_their_place(bench: Bench) -> None:
    bench.sender.pause()
    bench.start(limits=PublisherLimits(spool_after_s=60)).submit(*range(5))
    wait_until(lambda: bench.sender.open == 5, 5, "five events under way")
    bench.sender.fail_open()
    bench.submit(*range(5, 8))
    bench.wait_done(8)
    bench.sender.resume()
    wait_until(lambda: len(bench.published()) >= 8, 10, "everything to be published")
    assert bench.published() == list(range(8))


def test_step_2_what_the_broker_finds_too_large_goes_through_the_object_store_from_then_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool", inline_limit=100_000)
    bench.sender.most_bytes = 50_000
    try:
        bench.start()
        bench.submit(0)
        bench.submit(1, payload=bytes(60_000))
        bench.submit(2)
        bench.wait_done(3)
        bench.submit(3, payload=bytes(60_000))
        wait_until(lambda: len(set(bench.published())) == 4, 10, "everything to be published")
        claims = [frame_from_event(event).claim for event in bench.sender.events(topics.FRAME_IMAGE)]
        assert [claim is not None for claim in claims] == [False, True, False, True]
        assert list(map(len, bench.payloads.stored.values())) == [60_000, 60_000]
        wait_until(lambda: str(bench.ledger().published) == "0-3", 5, "the ledger")
        assert not bench.ledger().dropped
    finally:
        bench.close()
        bench.sender.close(1.0)


def test_step_2_an_event_with_headers_that_no_broker_takes_is_dropped_by_name_and_stops_no_other(bench: Bench) -> None:
    bench.sender.most_bytes = 2000
    bench.start().submit(0)
    bench.submit(1, part_id="P" * 3000)
    bench.submit(2)
    bench.wait_done(3)
    assert bench.published() == [0, 2]
    ledger = bench.ledger()
    assert str(ledger.dropped["unreadable"]) == "1"
    assert not ledger.unbalanced()
    assert bench.publisher.failure is None


def test_step_2_such_an_event_in_the_spool_of_an_earlier_process_stops_no_other(bench: Bench) -> None:
    with_earlier = Spool(bench.folder, max_bytes=SPOOL_BYTES)
    with_earlier.append([captured(0).event, captured(1, part_id="P" * 3000).event, captured(2).event])
    with_earlier.close()
    bench.sender.most_bytes = 2000
    bench.start()
    wait_until(lambda: bench.published() == [0, 2], 10, "the others")
    wait_until(lambda: not list(bench.folder.glob("*.seg")), 5, "the spool's files to be removed")
    assert str(bench.ledger().dropped["unreadable"]) == "1"


def test_step_3_a_batch_that_the_broker_finds_too_large_loses_nothing(bench: Bench) -> None:
    bench.sender.pause()
    bench.start(limits=PublisherLimits(spool_after_s=60)).submit(0, 1, 2)
    wait_until(lambda: bench.sender.open == 3, 5, "three events under way")
    bench.sender.fail_open(BadInput("too_large", "the batch"))
    bench.sender.resume()
    wait_until(lambda: bench.published() == [0, 1, 2], 10, "everything to be published")
    assert not bench.ledger().dropped


def test_what_an_earlier_process_spooled_is_published_under_its_own_identity(bench: Bench, tmp_path: Path) -> None:
    with_earlier = Spool(bench.folder, max_bytes=SPOOL_BYTES)
    with_earlier.append([captured(number, session="old").event for number in (7, 8)])
    with_earlier.close()
    bench.sender.refuse()
    bench.start().submit(0, session="new")
    bench.wait_done(1)
    assert str(bench.ledger("old").spooled) == "7-8"
    assert str(bench.ledger("old").captured) == "7-8"
    bench.sender.resume()
    wait_until(lambda: len(bench.published()) >= 3, 10, "everything to be published")
    assert [(e.extensions["sessionid"], e.extensions["sequence"]) for e in bench.sender.events(topics.FRAME_IMAGE)] == [
        ("old", "7"),
        ("old", "8"),
        ("new", "0"),
    ]
    wait_until(lambda: str(bench.ledger("old").published) == "7-8", 5, "the old session's ledger")


def test_every_frame_a_full_spool_refuses_and_forgets_nothing(bench: Bench) -> None:
    bench.sender.refuse()
    bench.start(max_bytes=1024 * 1024, limits=PublisherLimits(spool_after_s=0.2, held_events=20))
    sent = 0

    def is_full_after_one_more() -> bool:
        nonlocal sent
        try:
            bench.submit(sent, payload=b"y" * 900)
        except PublisherFull:
            return bench.metric("connector_spool_full") == 1
        sent += 1
        return False

    wait_until(is_full_after_one_more, 30, "the spool to be full", interval_s=0.001)
    assert bench.metric("connector_spool_full") == 1
    assert bench.spool.size_bytes <= 1024 * 1024
    ledger = bench.ledger()
    assert len(ledger.spooled) + len(ledger.in_flight) == sent
    assert not ledger.unbalanced()
    bench.sender.resume()
    wait_until(lambda: len(bench.published()) >= sent, 30, "the spool to be drained")
    assert bench.published() == list(range(sent))


def test_freshest_a_full_spool_drops_the_oldest_and_counts_them(bench: Bench) -> None:
    bench.sender.refuse()
    bench.start(policy=SpoolPolicy.FRESHEST, max_bytes=1024 * 1024)
    for number in range(1500):
        bench.submit(number, payload=b"y" * 900)
    bench.wait_done(1500)
    ledger = bench.ledger()
    assert not ledger.unbalanced()
    dropped = ledger.dropped["spool_full"]
    assert len(dropped) > 100
    assert str(dropped) == f"0-{len(dropped) - 1}"
    bench.sender.resume()
    wait_until(lambda: not bench.ledger().spooled, 30, "the spool to be drained")
    # One that was read back to be sent when it was dropped may be published all the same: then it was not dropped.
    assert bench.published() == list(bench.ledger().published)
    assert str(bench.ledger().published).endswith(f"{len(dropped)}-1499")
    assert not bench.ledger().unbalanced()


def test_what_waits_too_long_in_the_spool_is_dropped_and_counted(bench: Bench) -> None:
    clock = Clock()
    bench.start(policy=SpoolPolicy.FRESHEST, max_age_s=900.0, clock=clock)
    bench.sender.refuse()
    bench.submit(0, 1, 2)
    bench.wait_done(3)
    assert len(bench.spool) == 3
    clock.now_s += 1000
    wait_until(lambda: not len(bench.spool), 10, "the spool to be empty")
    bench.sender.resume()
    bench.submit(3)
    wait_until(lambda: bench.published() == [3], 10, "the newest event")
    ledger = bench.ledger()
    assert str(ledger.dropped["spool_expired"]) == "0-2"
    assert not ledger.unbalanced()
    assert bench.metric("connector_frames_total", source=origin(0).source, outcome="dropped_spool_expired") == 3


def test_a_source_is_never_refused_while_the_spool_drains(bench: Bench) -> None:
    bench.start(max_bytes=64 * SPOOL_BYTES)
    bench.sender.refuse()
    bench.submit(*range(3000))
    bench.wait_done(3000)
    bench.sender.resume()
    for number in range(3000, 6000):  # raises if the publisher were full
        bench.submit(number)
    wait_until(lambda: len(bench.published()) >= 6000, 20, "everything to be published")
    assert list(dict.fromkeys(bench.published())) == list(range(6000))


@dataclass
class Clock:
    """What the spool takes for the time."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


# New events pass what has waited for more than 10 s, and two of those follow each of them.
PASSING = PublisherLimits(spool_after_s=0.2, new_first_after_s=10.0, drain_per_new=2.0)


def test_after_an_hour_without_broker_new_events_pass_the_spool_which_is_drained_in_order_beside_them(
    bench: Bench,
) -> None:
    """An event every five seconds: 720 are spooled; each new one then brings two of them along."""
    clock = Clock()
    bench.start(limits=PASSING, max_bytes=64 * SPOOL_BYTES, clock=clock)
    bench.sender.refuse()
    for minute in range(0, 60, 6):
        bench.submit(*range(12 * minute, 12 * minute + 72))
        bench.wait_done(12 * minute + 72)
        clock.now_s += 360
    wait_until(lambda: bench.metric("connector_spool_oldest_seconds") == 3600, 5, "its age")
    bench.sender.resume()
    wait_until(lambda: bench.publisher.trouble is None, 10, "the broker to be noticed")
    bench.submit(*range(720, 1200))
    wait_until(lambda: len(set(bench.published())) == 1200, 60, "everything to be published")
    published = list(dict.fromkeys(bench.published()))
    assert [number for number in published if number < 720] == list(range(720))  # the spool in its order
    assert [number for number in published if number >= 720] == list(range(720, 1200))  # the new ones in theirs
    # In front of a new event lie those before it, two of the spool for each of them, and what asked for the broker.
    at = {number: place for place, number in enumerate(published)}
    assert all(at[720 + new] <= 3 * new + 2 for new in range(480))
    wait_until(lambda: str(bench.ledger().published) == "0-1199", 5, "the ledger")
    assert not bench.ledger().unbalanced()
    wait_until(lambda: not list(bench.folder.glob("*.seg")), 5, "the spool's files to be removed")


def test_an_hour_without_broker_leaves_what_bytes_and_age_allow_and_names_the_rest(bench: Bench) -> None:
    """900 events of 4 kB in an hour; 1 MiB may be kept (about 250 of them), and nothing that is over 15 minutes old."""
    clock = Clock()
    bench.start(policy=SpoolPolicy.FRESHEST, limits=PASSING, max_age_s=900.0, clock=clock)
    bench.sender.refuse()
    for step in range(60):
        bench.submit(*range(15 * step, 15 * step + 15), payload=b"y" * 4000)
        bench.wait_done(15 * step + 15)
        clock.now_s += 60
        assert bench.spool.size_bytes <= SPOOL_BYTES
    wait_until(lambda: bench.metric("connector_spool_oldest_seconds") <= 900 + 900 / 16, 5, "the expiry")
    ledger = bench.ledger()
    assert not ledger.unbalanced()
    assert 180 <= len(ledger.spooled) <= 250
    assert ledger.dropped.keys() <= {"spool_full", "spool_expired"}
    assert sum(map(len, ledger.dropped.values())) + len(ledger.spooled) == 900
    bench.sender.resume()
    wait_until(lambda: not bench.ledger().spooled, 30, "the rest to be published")
    assert bench.published() == list(bench.ledger().published)


def test_a_short_absence_keeps_one_order(bench: Bench) -> None:
    clock = Clock()
    bench.start(limits=PASSING, clock=clock)
    bench.sender.refuse()
    bench.submit(*range(500))
    bench.wait_done(500)
    clock.now_s += 9
    bench.sender.resume()
    bench.submit(*range(500, 600))
    wait_until(lambda: len(bench.published()) >= 600, 20, "everything to be published")
    assert list(dict.fromkeys(bench.published())) == list(range(600))


def test_what_comes_of_a_spooled_part_stays_behind_its_other_half(bench: Bench) -> None:
    clock = Clock()
    bench.start(limits=PASSING, max_bytes=64 * SPOOL_BYTES, clock=clock)
    bench.sender.refuse()
    bench.submit(*range(300))
    bench.submit(300, part_id="P-7")
    bench.wait_done(301)
    clock.now_s += 3600
    bench.sender.resume()
    wait_until(lambda: bench.publisher.trouble is None, 10, "the broker to be noticed")
    bench.submit(301, part_id="P-7")
    bench.submit(302, part_id="P-8")
    wait_until(lambda: 302 in bench.published(), 10, "the next part to be published")
    assert 301 not in bench.published()
    for number in range(303, 500):
        bench.submit(number)
    wait_until(lambda: 301 in bench.published(), 20, "the other half")
    published = list(dict.fromkeys(bench.published()))
    assert [number for number in published if number < 302] == list(range(302))


def test_a_spool_that_takes_nothing_lets_events_pass_once_the_broker_is_back(bench: Bench) -> None:
    bench.sender.refuse()
    bench.start(max_bytes=100)  # not even one record
    bench.submit(0, 1)
    wait_until(lambda: bench.metric("connector_spool_full") == 1, 5, "the spool to refuse")
    assert bench.done == []
    bench.sender.resume()
    bench.wait_done(2)
    assert bench.published() == [0, 1]


def test_close_spools_what_the_broker_did_not_take(bench: Bench) -> None:
    bench.sender.pause()
    bench.start(limits=PublisherLimits(spool_after_s=60)).submit(0, 1, 2)
    assert bench.close() == 0
    assert bench.done == [0, 1, 2]
    again = Spool(bench.folder, max_bytes=SPOOL_BYTES)
    assert [again.read(n).extensions["sequence"] for n in again.unacknowledged(0)] == ["0", "1", "2"]
    again.close()


def test_close_counts_what_neither_kafka_nor_the_spool_took(bench: Bench) -> None:
    bench.sender.pause()
    bench.start(max_bytes=100, limits=PublisherLimits(spool_after_s=60)).submit(0, 1, 2)
    assert bench.close() == 3
    assert bench.done == []


def test_a_closed_publisher_takes_nothing(bench: Bench) -> None:
    bench.start()
    bench.close()
    with pytest.raises(PublisherFull, match="the publisher is stopping"):
        bench.submit(0)


def test_submit_refuses_beyond_the_held_bytes(bench: Bench) -> None:
    bench.sender.pause()
    bench.start(limits=PublisherLimits(held_bytes=1000, spool_after_s=60))
    bench.submit(0, payload=b"z" * 600)
    with pytest.raises(PublisherFull, match="1 events with 600 bytes"):
        bench.submit(1, payload=b"z" * 600)
    assert str(bench.ledger().captured) == "0"
