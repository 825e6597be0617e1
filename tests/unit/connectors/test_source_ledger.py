"""The ledger of a process: every captured number is in exactly one other set, whatever happens in which order."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.source_ledger import SourceLedgers
from tests.unit.connectors.frames import CAMERA, origin
from wire.ledger import DropReason, SourceLedger


def ledger(ledgers: SourceLedgers, session: str = "s1") -> SourceLedger:
    return next(one.ledger for one in ledgers.snapshot() if one.session == session)


def test_a_frame_moves_from_in_flight_to_published() -> None:
    ledgers = SourceLedgers()
    ledgers.captured(origin(5))
    assert (str(ledger(ledgers).captured), str(ledger(ledgers).in_flight)) == ("5", "5")
    ledgers.published(origin(5))
    assert (str(ledger(ledgers).published), str(ledger(ledgers).in_flight)) == ("5", "")


def test_a_frame_that_is_captured_again_stays_published() -> None:
    ledgers = SourceLedgers()
    ledgers.published(origin(5))
    ledgers.captured(origin(5))
    ledgers.spooled([origin(5)])
    ledgers.dropped(origin(5), DropReason.SPOOL_FULL)
    assert str(ledger(ledgers).published) == "5"
    assert not ledger(ledgers).unbalanced()


def test_a_dropped_frame_whose_acknowledgement_comes_late_is_published() -> None:
    ledgers = SourceLedgers()
    ledgers.spooled([origin(5)])
    ledgers.dropped(origin(5), DropReason.SPOOL_FULL)
    ledgers.published(origin(5))
    assert ledger(ledgers).dropped == {}
    assert str(ledger(ledgers).published) == "5"


@given(st.lists(st.tuples(st.sampled_from(["captured", "published", "spooled", "dropped"]), st.integers(0, 6))))
def test_the_ledger_adds_up_after_any_sequence_of_bookings(bookings: list[tuple[str, int]]) -> None:
    ledgers = SourceLedgers()
    for kind, number in bookings:
        if kind == "captured":
            ledgers.captured(origin(number))
        elif kind == "published":
            ledgers.published(origin(number))
        elif kind == "spooled":
            ledgers.spooled([origin(number)])
        else:
            ledgers.dropped(origin(number), DropReason.SPOOL_FULL)
    for one in ledgers.snapshot():
        sets = [one.ledger.published, one.ledger.spooled, one.ledger.in_flight, *one.ledger.dropped.values()]
        assert not one.ledger.unbalanced()
        assert sum(map(len, sets)) == len(one.ledger.captured)  # in one set only


def test_an_older_session_is_finished_once_nothing_of_it_is_on_its_way() -> None:
    ledgers = SourceLedgers()
    ledgers.captured(origin(0, session="old"))
    ledgers.captured(origin(0, session="new"))
    assert [(one.session, one.finished) for one in ledgers.snapshot()] == [("old", False), ("new", False)]
    ledgers.published(origin(0, session="old"))
    assert [(one.session, one.finished) for one in ledgers.snapshot()] == [("old", True), ("new", False)]


def test_a_finished_session_is_forgotten_unless_something_was_booked_since() -> None:
    ledgers = SourceLedgers()
    ledgers.published(origin(0, session="old"))
    ledgers.captured(origin(0, session="new"))
    told = ledgers.snapshot()[0]
    ledgers.published(origin(1, session="old"))
    ledgers.forget(told)
    assert [one.session for one in ledgers.snapshot()] == ["old", "new"]
    ledgers.forget(ledgers.snapshot()[0])
    assert [one.session for one in ledgers.snapshot()] == ["new"]
    ledgers.forget(ledgers.snapshot()[0])  # the live one stays
    assert [(one.source, one.session) for one in ledgers.snapshot()] == [(CAMERA, "new")]
