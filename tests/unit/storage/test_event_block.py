import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.event_block import EventBlock, sets_from_json, sets_to_json
from wire.ledger import Outcome
from wire.sequence_set import SequenceSet

DELIVERY = st.tuples(
    st.integers(0, 9),
    st.sampled_from(
        [
            (Outcome.USED, ""),
            (Outcome.QUARANTINED, "empty"),
            (Outcome.QUARANTINED, "decode"),
            (Outcome.LATE, ""),
        ]
    ),
)


def record(block: EventBlock, sequence: int, outcome: Outcome, reason: str) -> None:
    if outcome is Outcome.USED:
        block.record_used([sequence])
    else:
        block.record_unused(sequence, outcome, reason)


def sets(block: EventBlock) -> tuple[str, dict[str, str], str]:
    return str(block.used), {name: str(kept) for name, kept in block.quarantined.items() if kept}, str(block.late)


def test_each_event_is_in_the_set_of_its_outcome() -> None:
    block = EventBlock()
    block.record_used([3, 4, 6])
    assert block.record_unused(5, Outcome.QUARANTINED, "decode")
    assert block.record_unused(7, Outcome.LATE, "")
    assert sets(block) == ("3-4,6", {"decode": "5"}, "7")
    assert block.redelivered == 0


def test_used_beats_quarantined_beats_late_and_every_repetition_is_counted() -> None:
    block = EventBlock()
    assert block.record_unused(1, Outcome.LATE, "")
    assert not block.record_unused(1, Outcome.QUARANTINED, "empty")
    assert sets(block) == ("", {"empty": "1"}, "")
    block.record_used([1])
    assert sets(block) == ("1", {}, "")
    assert not block.record_unused(1, Outcome.QUARANTINED, "decode")
    assert not block.record_unused(1, Outcome.LATE, "")
    assert sets(block) == ("1", {}, "")
    assert block.redelivered == 4


def test_an_event_used_twice_in_one_batch_is_one_event_and_one_redelivery() -> None:
    block = EventBlock()
    block.record_used([8, 9, 8])
    assert (str(block.used), block.redelivered) == ("8-9", 1)


def test_of_two_quarantine_reasons_the_first_in_the_alphabet_stays() -> None:
    block = EventBlock()
    block.record_unused(2, Outcome.QUARANTINED, "header")
    block.record_unused(2, Outcome.QUARANTINED, "decode")
    block.record_unused(2, Outcome.QUARANTINED, "timestamp")
    assert sets(block) == ("", {"decode": "2"}, "")


@given(st.lists(DELIVERY, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_deliveries_does_not_matter(
    deliveries: list[tuple[int, tuple[Outcome, str]]], random: object
) -> None:
    shuffled = list(deliveries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = EventBlock(), EventBlock()
    for sequence, (outcome, reason) in deliveries:
        record(one, sequence, outcome, reason)
    for sequence, (outcome, reason) in shuffled:
        record(other, sequence, outcome, reason)
    assert sets(one) == sets(other)
    assert one.redelivered == other.redelivered == len(deliveries) - len({sequence for sequence, _ in deliveries})


def test_a_block_comes_back_from_its_columns() -> None:
    block = EventBlock()
    block.record_used([0, 1, 5])
    block.record_unused(2, Outcome.QUARANTINED, 'a "quoted" reason')
    block.record_unused(3, Outcome.LATE, "")
    block.record_unused(3, Outcome.LATE, "")
    again = EventBlock.from_columns(block.to_columns())
    assert sets(again) == ("0-1,5", {'a "quoted" reason': "2"}, "3")
    assert again.redelivered == 1


def test_empty_sets_are_not_written() -> None:
    kept = {"decode": SequenceSet([4]), "empty": SequenceSet()}
    assert sets_to_json(kept) == '{"decode": "4"}'
    assert sets_from_json('{"decode": "4"}') == {"decode": SequenceSet([4])}


@pytest.mark.parametrize("outcome", [Outcome.QUARANTINED, Outcome.LATE])
def test_only_the_first_word_on_an_event_is_its_first(outcome: Outcome) -> None:
    block = EventBlock()
    assert block.record_unused(4, outcome, "x")
    assert not block.record_unused(4, outcome, "x")
    block.record_used([5])
    assert not block.record_unused(5, outcome, "x")
