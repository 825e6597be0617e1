"""What the spool gives back: what an earlier process left is booked in pieces, then read back in order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.outgoing import Outgoing
from connectors.source_ledger import SourceLedgers
from connectors.spool import Spool
from connectors.spool_drain import SpoolDrain
from tests.unit.connectors.frames import captured

MIB = 1024 * 1024


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """1 201 records of an earlier process."""
    earlier = Spool(tmp_path, max_bytes=8 * MIB)
    earlier.append([captured(number, part_id=f"P-{number}").event for number in range(1201)])
    earlier.close()
    spool = Spool(tmp_path, max_bytes=8 * MIB)
    yield spool
    spool.close()


def drain_of(spool: Spool, ledgers: SourceLedgers, *, new_first_after_s: float | None = 0.0) -> SpoolDrain:
    return SpoolDrain(
        spool, ledgers, most_events=5000, most_bytes=MIB, per_new=3.0, new_first_after_s=new_first_after_s
    )


def spooled(ledgers: SourceLedgers) -> str:
    return ",".join(str(one.ledger.spooled) for one in ledgers.snapshot())


def item_of(number: int) -> Outgoing:
    one = captured(number, part_id=f"P-{number}")
    return Outgoing(one.origin, one.event, taken_at=0.0)


def test_what_an_earlier_process_left_is_booked_five_hundred_at_a_time(spool: Spool) -> None:
    ledgers = SourceLedgers()
    drain = drain_of(spool, ledgers)
    told = []
    while drain.is_recovering:
        drain.recover()
        told.append(spooled(ledgers))
    assert told == ["0-499", "0-999", "0-1200"]


def test_until_all_is_booked_nothing_is_read_back_and_nothing_passes(spool: Spool) -> None:
    drain = drain_of(spool, SourceLedgers())
    drain.recover()
    assert drain.has_backlog
    assert not drain.lets_new_pass
    assert list(drain.follow(in_trouble=False)) == []
    drain.recover()
    drain.recover()
    assert not drain.is_recovering
    assert drain.lets_new_pass
    assert drain.holds_part_of(captured(9, part_id="P-1200").event)


def test_what_is_spooled_meanwhile_is_not_booked_again(spool: Spool) -> None:
    ledgers = SourceLedgers()
    drain = drain_of(spool, ledgers, new_first_after_s=None)
    spool.append([captured(1201).event])
    while drain.is_recovering:
        drain.recover()
    assert spooled(ledgers) == "0-1200"
    assert [one.origin.sequence for one in drain.follow(in_trouble=False)] == list(range(1202))


def test_records_that_were_dropped_before_they_were_booked_are_passed_over(spool: Spool) -> None:
    ledgers = SourceLedgers()
    drain = drain_of(spool, ledgers)
    for number in range(1201):
        spool.acknowledge(number)
    drain.recover()
    assert not drain.is_recovering
    assert ledgers.snapshot() == []


def test_what_was_not_sent_follows_again_in_its_place(spool: Spool) -> None:
    drain = drain_of(spool, SourceLedgers(), new_first_after_s=None)
    while drain.is_recovering:
        drain.recover()
    first, second, *_ = drain.follow(in_trouble=False)
    drain.sent(first)
    drain.put_back(second)
    assert next(drain.follow(in_trouble=False)).origin.sequence == 1
    drain.put_back(item_of(7))  # in memory alone: not the spool's
    drain.settled(first)
    drain.acknowledged(first)
    assert next(spool.unacknowledged(0)) == 1
