"""The prefix of offsets that may be acknowledged."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.steps.prefix import Prefix


def test_prefix_releases_nothing_behind_an_unfinished_offset() -> None:
    prefix = Prefix()
    for offset in (10, 11, 12):
        assert prefix.add(offset)
    prefix.finish([11, 12])
    assert prefix.release() == []
    prefix.finish([10])
    assert prefix.release() == [10, 11, 12]
    assert prefix.release() == []


def test_prefix_knows_an_offset_that_comes_twice() -> None:
    prefix = Prefix()
    assert prefix.add(10)
    assert not prefix.add(10)
    assert not prefix.add(9)


@pytest.mark.parametrize("offset", [3, 10], ids=["never read", "finished before"])
def test_prefix_refuses_to_finish_what_is_not_open(offset: int) -> None:
    prefix = Prefix()
    prefix.add(10)
    prefix.finish([10])
    with pytest.raises(ValueError, match=f"offset {offset} is finished twice or was never read"):
        prefix.finish([offset])


def test_prefix_is_not_cut_inside_offsets_that_belong_together() -> None:
    prefix = Prefix()
    for offset in range(5):
        prefix.add(offset)
    prefix.finish([0, 3], together=True)
    prefix.finish([1])
    assert prefix.release() == []
    prefix.finish([2])
    assert prefix.release() == [0, 1, 2, 3]


def test_prefix_is_cut_when_it_would_be_held_back_for_ever() -> None:
    prefix = Prefix(max_held_back=3)
    for offset in range(10):
        prefix.add(offset)
    prefix.finish([0, 9], together=True)
    prefix.finish([1, 2, 3])
    assert prefix.release() == [0, 1, 2]


def test_barrier_is_due_when_everything_in_front_of_it_is_finished() -> None:
    prefix = Prefix()
    prefix.add(0)
    prefix.add(1, barrier=True)
    prefix.add(2, barrier=True)
    prefix.add(3)
    assert prefix.due_barriers() == []
    prefix.finish([0])
    assert prefix.release() == [0]
    assert prefix.due_barriers() == [1, 2]
    assert prefix.due_barriers() == []
    prefix.finish([1, 2])
    assert prefix.release() == [1, 2]


@settings(deadline=None)  # two busy cores make any example slow
@given(st.data())
def test_prefix_releases_each_offset_once_in_order_and_never_over_a_hole(data: st.DataObject) -> None:
    """Any order of finishing, any groups, barriers anywhere, offsets with gaps."""
    offsets = sorted(data.draw(st.sets(st.integers(0, 200), min_size=1, max_size=40)))
    barriers = data.draw(st.sets(st.sampled_from(offsets)))
    plain = [offset for offset in offsets if offset not in barriers]
    shuffler = random.Random(data.draw(st.integers()))
    shuffler.shuffle(plain)
    groups = []
    while plain:
        size = data.draw(st.integers(1, 4))
        groups.append((plain[:size], data.draw(st.booleans())))
        plain = plain[size:]
    prefix = Prefix()
    for offset in offsets:
        prefix.add(offset, barrier=offset in barriers)
    released: list[int] = []
    finished: set[int] = set()

    def step() -> None:
        released.extend(prefix.release())
        while due := prefix.due_barriers():
            for barrier in due:
                assert set(offsets[: offsets.index(barrier)]) <= finished | set(due)
            prefix.finish(due)
            finished.update(due)
            released.extend(prefix.release())

    step()
    for group, together in groups:
        prefix.finish(group, together=together)
        finished.update(group)
        step()
        assert released == offsets[: len(released)]
        assert set(released) <= finished
        for other, belongs in groups:
            if belongs:
                assert len(set(other) & set(released)) in (0, len(other))
    assert released == offsets
    assert prefix.unfinished == 0
