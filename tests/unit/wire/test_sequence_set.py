"""SequenceSet against Python's set: the same answers, and always the shortest list of intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wire.errors import DecodeError
from wire.sequence_set import SequenceSet

numbers = st.integers(0, 40)
plain_sets = st.sets(numbers)


class SequenceSetMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ours = SequenceSet()
        self.theirs: set[int] = set()

    @rule(number=numbers)
    def add(self, number: int) -> None:
        assert self.ours.add(number) == (number not in self.theirs)
        self.theirs.add(number)

    @rule(number=numbers)
    def discard(self, number: int) -> None:
        assert self.ours.discard(number) == (number in self.theirs)
        self.theirs.discard(number)

    @rule(other=plain_sets)
    def unite(self, other: set[int]) -> None:
        self.ours = self.ours.union(SequenceSet(other))
        self.theirs |= other

    @rule(other=plain_sets)
    def subtract(self, other: set[int]) -> None:
        self.ours = self.ours.difference(SequenceSet(other))
        self.theirs -= other

    @rule(other=plain_sets)
    def intersect(self, other: set[int]) -> None:
        self.ours = self.ours.intersection(SequenceSet(other))
        self.theirs &= other

    @rule()
    def pass_through_text(self) -> None:
        self.ours = SequenceSet.parse(str(self.ours))

    @rule()
    def replace_by_a_copy(self) -> None:
        copy = self.ours.copy()
        self.ours.add(1000)
        self.ours = copy

    @invariant()
    def both_hold_the_same_numbers(self) -> None:
        assert list(self.ours) == sorted(self.theirs)
        assert len(self.ours) == len(self.theirs)
        assert bool(self.ours) == bool(self.theirs)
        assert self.ours.last == max(self.theirs, default=None)
        assert all((number in self.ours) == (number in self.theirs) for number in range(42))

    @invariant()
    def intervals_are_sorted_and_never_touch(self) -> None:
        edges = [edge for interval in self.ours.intervals() for edge in interval]
        assert edges == sorted(edges)
        lasts, firsts = edges[1:-1:2], edges[2::2]
        assert all(last + 1 < first for last, first in zip(lasts, firsts, strict=True))


TestSequenceSet = SequenceSetMachine.TestCase


@given(plain_sets, st.integers(0, 45))
def test_gaps_are_every_missing_number_up_to_the_highest(members: set[int], start: int) -> None:
    expected = set(range(start, max(members, default=-1) + 1)) - members
    assert list(SequenceSet(members).gaps(start=start)) == sorted(expected)


@given(plain_sets, plain_sets)
def test_operations_leave_both_operands_alone(a: set[int], b: set[int]) -> None:
    left, right = SequenceSet(a), SequenceSet(b)
    left.union(right), left.difference(right), left.intersection(right), left.gaps()
    assert (left, right) == (SequenceSet(a), SequenceSet(b))


def test_text_joins_neighbours_and_names_holes() -> None:
    assert str(SequenceSet([43, *range(42), *range(50, 61)])) == "0-41,43,50-60"


def test_text_may_come_in_any_order_and_overlap() -> None:
    assert str(SequenceSet.parse("7,3-5,4-6,0")) == "0,3-7"


def test_empty_text_is_the_empty_set() -> None:
    assert SequenceSet.parse("") == SequenceSet()


def test_a_million_numbers_in_a_row_are_one_interval() -> None:
    assert list(SequenceSet(range(1_000_000)).intervals()) == [(0, 999_999)]


@pytest.mark.parametrize("piece", ["a", "-1", "1-", "1-2-3", "1.5", " 1", "+1", "²", "٣", "1" * 19])
def test_text_that_is_no_interval_is_a_decode_error(piece: str) -> None:
    with pytest.raises(DecodeError, match=r"ledger: .* is not an interval of sequence numbers") as raised:
        SequenceSet.parse(f"0-3,{piece}")
    assert raised.value.reason == "ledger"


def test_an_interval_that_runs_backwards_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="ledger: 5-3 is not an interval of sequence numbers"):
        SequenceSet.parse("5-3")


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 is not a sequence number"):
        SequenceSet().add(-1)


def test_it_differs_from_other_types_and_cannot_be_hashed() -> None:
    assert SequenceSet([1]) != {1}
    with pytest.raises(TypeError, match="unhashable"):
        hash(SequenceSet())


def test_repr_can_be_evaluated() -> None:
    assert repr(SequenceSet([0, 1, 5])) == "SequenceSet.parse('0-1,5')"
