"""What a tag was worth when: order by source time, repeats, gaps."""

from datetime import timedelta

from connectors.opcua.tag_history import Sample, TagHistory
from tests.unit.connectors.frames import START


def at(seconds: float):
    return START + timedelta(seconds=seconds)


def history(*seconds: float) -> TagHistory:
    made = TagHistory()
    for second in seconds:
        made.add(Sample(at(second), second))
    return made


def values(samples) -> list[float]:
    return [sample.value for sample in samples]


def test_the_value_at_a_moment_is_the_newest_not_later() -> None:
    made = history(1, 2, 3)
    assert made.valid_at(at(0.9)) is None
    assert made.valid_at(at(1)).value == 1
    assert made.valid_at(at(2.9)).value == 2
    assert made.valid_at(at(99)).value == 3


def test_samples_come_out_in_order_of_source_time_however_they_arrive() -> None:
    assert values(history(3, 1, 2).between(at(1), at(3))) == [1, 2, 3]


def test_both_ends_of_an_interval_belong_to_it() -> None:
    assert values(history(1, 2, 3, 4).between(at(2), at(3))) == [2, 3]


def test_a_sample_that_is_published_again_is_kept_once() -> None:
    made = history(1, 2)
    made.add(Sample(at(1), 1))
    made.add(Sample(at(2), 2))
    assert values(made.between(at(0), at(9))) == [1, 2]


def test_two_values_of_one_moment_are_both_kept() -> None:
    made = history(1)
    made.add(Sample(at(1), 7))
    assert values(made.between(at(0), at(9))) == [1, 7]


def test_before_the_first_sample_everything_is_a_gap() -> None:
    made = history(5)
    assert made.has_gap(at(4), at(6))
    assert not made.has_gap(at(5), at(6))


def test_a_lost_link_is_a_gap_until_the_next_new_sample() -> None:
    made = history(1, 2)
    made.mark_gap()
    assert made.has_gap(at(1.5), at(2.5))
    assert not made.has_gap(at(1), at(2))
    made.add(Sample(at(4), 4))
    assert made.has_gap(at(3), at(5))
    assert not made.has_gap(at(4), at(5))


def test_a_link_that_comes_back_with_the_same_value_left_no_gap() -> None:
    made = history(1, 2)
    made.mark_gap()
    made.add(Sample(at(2), 2))
    assert not made.has_gap(at(1), at(5))


def test_forgetting_keeps_the_value_that_held() -> None:
    made = history(1, 2, 3, 4)
    made.forget_before(at(2.5))
    assert values(made.between(at(0), at(9))) == [2, 3, 4]
    assert not made.has_gap(at(2.5), at(9))


def test_bad_and_empty_values_are_not_usable() -> None:
    assert Sample(at(0), 1, 0).is_usable
    assert Sample(at(0), 1, 0x40000000).is_usable  # Uncertain
    assert not Sample(at(0), 1, 0x80000000).is_usable  # Bad
    assert not Sample(at(0), None, 0).is_usable
