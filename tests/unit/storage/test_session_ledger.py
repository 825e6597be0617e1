from itertools import permutations

from storage.session_ledger import SessionLedger
from tests.unit.storage.examples import LINE, START, heartbeat
from wire.ledger import Heartbeat, HeartbeatStage, SpoolState

SOURCE = f"{LINE}/camera1"


def merged(heartbeats: tuple[Heartbeat, ...]) -> dict[str, object]:
    ledger = SessionLedger()
    for each in heartbeats:
        ledger.merge(each)
    return ledger.to_columns()


def test_heartbeats_of_two_runs_count_each_frame_once() -> None:
    before_the_kill = heartbeat(SOURCE, captured="0-9", published="0-6", spooled="7-8", in_flight="9", sent_s=1)
    after_it = heartbeat(
        SOURCE, captured="8-12", published="7-8", in_flight="10-12", dropped={"spool_full": "9"}, sent_s=2
    )
    ledger = SessionLedger()
    ledger.merge(before_the_kill)
    ledger.merge(after_it)
    assert str(ledger.captured) == "0-12"
    assert str(ledger.published) == "0-8"
    assert str(ledger.spooled) == ""
    assert str(ledger.in_flight) == "10-12"
    assert {reason: str(numbers) for reason, numbers in ledger.dropped.items()} == {"spool_full": "9"}


def test_only_a_settled_heartbeat_settles_what_it_calls_published() -> None:
    ledger = SessionLedger()
    ledger.merge(heartbeat(SOURCE, captured="0-9", published="0-9", stage=HeartbeatStage.SEEN, sent_s=2))
    assert str(ledger.settled) == ""
    ledger.merge(heartbeat(SOURCE, captured="0-5", published="0-4", stage=HeartbeatStage.SETTLED, sent_s=1))
    assert (str(ledger.settled), str(ledger.published)) == ("0-4", "0-9")


def test_the_order_of_heartbeats_does_not_matter() -> None:
    beats = (
        heartbeat(SOURCE, captured="0-3", published="0-1", spooled="2-3", sent_s=1, stage=HeartbeatStage.SETTLED),
        heartbeat(SOURCE, captured="0-5", published="0-3", in_flight="4-5", sent_s=2),
        heartbeat(SOURCE, captured="0-6", published="0-6", sent_s=3, closed=True, dropped={"unreadable": "7"}),
    )
    expected = {
        "captured": "0-6",
        "published": "0-6",
        "settled": "0-1",
        "spooled": "",
        "in_flight": "",
        "dropped": '{"unreadable": "7"}',
        "sent_at": START.replace(second=3),
        "partition": 0,
        "closed": True,
        "spool": None,
    }
    assert [merged(order) for order in permutations(beats)] == [expected] * 6


def test_a_ledger_comes_back_from_its_columns() -> None:
    spool = SpoolState(size_bytes=4_200_000, limit_bytes=1_000_000_000, oldest_s=75.5)
    said = heartbeat(SOURCE, captured="0-6,9", published="0-3", spooled="4-6", in_flight="9", partition=2, spool=spool)
    columns = merged((said,))
    assert SessionLedger.from_columns(columns).spool == spool
    assert SessionLedger.from_columns(columns).to_columns() == columns
