"""The ledger's arithmetic, worked by hand, set by set."""

from storage.event_block import EventBlock
from storage.ledger_account import LedgerFigures, LostBudget, SessionAccount, first_of, session_account
from storage.session_ledger import SessionLedger
from wire.sequence_set import SequenceSet


def said(**sets: str) -> SessionLedger:
    dropped = {name[8:]: SequenceSet.parse(sets.pop(name)) for name in list(sets) if name.startswith("dropped_")}
    return SessionLedger(**{name: SequenceSet.parse(text) for name, text in sets.items()}, dropped=dropped, partition=0)


def known(used: str = "", late: str = "", redelivered: int = 0, **quarantined: str) -> EventBlock:
    return EventBlock(
        used=SequenceSet.parse(used),
        late=SequenceSet.parse(late),
        quarantined={reason: SequenceSet.parse(text) for reason, text in quarantined.items()},
        redelivered=redelivered,
    )


def account(heard: SessionLedger, events: EventBlock, *, lost: int = 0) -> SessionAccount:
    return session_account("s1", heard, events, LostBudget(remaining={0: lost}))


def test_a_running_source_adds_up() -> None:
    # 0-19 captured: 0-13 published, 14-15 spooled, 16 in flight, 17-18 dropped, 19 nowhere yet.
    # Of the published: 0-9 settled (0-5 and 8 used, 6 quarantined, 7 late, 9 without outcome), 10 used, 11-13 waiting.
    found = account(
        said(
            captured="0-19", published="0-13", settled="0-9", spooled="14-15", in_flight="16",
            dropped_spool_full="17", dropped_incomplete="18",
        ),
        known(used="0-5,8,10", late="7", decode="6", redelivered=3),
    )  # fmt: skip
    assert str(found.captured) == "0-19"
    assert str(found.published) == "0-13"
    assert str(found.spooled) == "14-15"
    assert str(found.in_flight) == "16"
    assert {reason: str(numbers) for reason, numbers in found.dropped.items()} == {
        "spool_full": "17",
        "incomplete": "18",
    }
    assert str(found.used) == "0-5,8,10"
    assert {reason: str(numbers) for reason, numbers in found.quarantined.items()} == {"decode": "6"}
    assert str(found.late) == "7"
    assert str(found.waiting) == "11-13"
    assert str(found.lost_in_broker) == ""
    assert str(found.unaccounted) == "9"
    assert str(found.unbalanced) == "19"
    assert str(found.gaps) == ""
    assert found.redelivered == 3
    figures = found.figures()
    assert figures.captured == 20 == 14 + 2 + 1 + 2 + figures.unbalanced
    assert figures.published == 14 == 8 + 1 + 1 + 3 + 0 + figures.unaccounted
    assert not figures.adds_up


def test_an_event_with_an_outcome_was_captured_and_published_whatever_the_last_heartbeat_knew() -> None:
    # The connector was killed after the broker took 5 and before its next heartbeat said so.
    found = account(said(captured="0-4", published="0-3", settled="0-3", in_flight="4"), known(used="0-5"))
    assert str(found.captured) == "0-5"
    assert str(found.published) == "0-5"
    assert str(found.in_flight) == ""
    assert str(found.waiting) == ""
    assert found.figures().adds_up


def test_what_a_kill_left_in_no_set_is_unbalanced() -> None:
    # 5 was captured by the first run and is known to nobody since.
    found = account(said(captured="0-5", published="0-4", settled="0-4"), known(used="0-4"))
    assert str(found.unbalanced) == "5"
    assert str(found.unaccounted) == ""
    assert not found.figures().adds_up


def test_a_published_frame_that_was_never_captured_is_unbalanced() -> None:
    found = account(said(captured="0-2", published="0-3"), known())
    assert str(found.unbalanced) == "3"


def test_a_frame_dropped_by_one_run_and_published_by_another_is_published() -> None:
    found = account(said(captured="0-2", published="0-2", settled="0-2", dropped_spool_full="1"), known(used="0-2"))
    assert str(found.dropped["spool_full"]) == ""
    assert found.figures().dropped == {}
    assert found.figures().adds_up


def test_numbers_that_never_arrived_are_gaps_and_not_an_imbalance() -> None:
    found = account(said(captured="2-3,5,9", published="2-3,5,9", settled="2-3,5"), known(used="2-3,5,11"))
    assert str(found.gaps) == "0-1,4,6-8,10"
    assert str(found.waiting) == "9"
    assert found.figures().adds_up


def test_broker_losses_explain_as_many_missing_frames_as_messages_were_lost_the_oldest_first() -> None:
    heard = said(captured="0-9", published="0-9", settled="0-9")
    found = account(heard, known(used="0-1,4-6"), lost=3)
    assert str(found.lost_in_broker) == "2-3,7"
    assert str(found.unaccounted) == "8-9"


def test_two_sources_of_a_partition_share_its_losses() -> None:
    losses = LostBudget(remaining={0: 3, 1: 9})
    one = session_account("s1", said(captured="0-3", published="0-3", settled="0-3"), known(used="0,3"), losses)
    other = session_account("s2", said(captured="0-3", published="0-3", settled="0-3"), known(used="3"), losses)
    assert (str(one.lost_in_broker), str(one.unaccounted)) == ("1-2", "")
    assert (str(other.lost_in_broker), str(other.unaccounted)) == ("0", "1-2")
    assert losses.remaining == {0: 0, 1: 9}


def test_a_source_without_a_partition_has_no_losses() -> None:
    heard = said(captured="0", published="0", settled="0")
    heard.partition = None
    assert str(session_account("s1", heard, known(), LostBudget(remaining={0: 5})).unaccounted) == "0"


def test_first_of_takes_the_lowest_members() -> None:
    numbers = SequenceSet.parse("2-4,7,9-12")
    assert [str(first_of(numbers, count)) for count in (0, 2, 3, 4, 6, 99)] == [
        "",
        "2-3",
        "2-4",
        "2-4,7",
        "2-4,7,9-10",
        "2-4,7,9-12",
    ]


def test_figures_of_sources_add_up_reason_by_reason() -> None:
    one = LedgerFigures(captured=5, dropped={"spool_full": 2}, quarantined={"decode": 1}, used=2, gap=4, redelivered=1)
    other = LedgerFigures(captured=3, dropped={"spool_full": 1, "unreadable": 1}, used=1, unreadable={"header": 2})
    assert LedgerFigures.sum([one, other]) == LedgerFigures(
        captured=8,
        dropped={"spool_full": 3, "unreadable": 1},
        quarantined={"decode": 1},
        used=3,
        gap=4,
        redelivered=1,
        unreadable={"header": 2},
    )
