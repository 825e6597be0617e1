"""What a tag was worth when: order by source time, repeats, gaps."""

from datetime import timedelta

from connectors.opcua.tag_history import Sample, TagHistory
from tests.unit.connectors.frames import START


def at(seconds: float):
    return START + timedelta(seconds=seconds)


def moment(seconds: float, life: int = 0):
    return (life, at(seconds))


def history(*seconds: float) -> TagHistory:
    made = TagHistory()
    for second in seconds:
        made.add(Sample(at(second), second))
    return made


def values(samples) -> list[float]:
    return [sample.value for sample in samples]


def test_the_value_at_a_moment_is_the_newest_not_later() -> None:
    made = history(1, 2, 3)
    assert made.valid_at(moment(0.9)) is None
    assert made.valid_at(moment(1)).value == 1
    assert made.valid_at(moment(2.9)).value == 2
    assert made.valid_at(moment(99)).value == 3


def test_samples_come_out_in_order_of_source_time_however_they_arrive() -> None:
    assert values(history(3, 1, 2).between(moment(1), moment(3))) == [1, 2, 3]


def test_both_ends_of_an_interval_belong_to_it() -> None:
    assert values(history(1, 2, 3, 4).between(moment(2), moment(3))) == [2, 3]


def test_a_sample_that_is_published_again_is_kept_once() -> None:
    made = history(1, 2)
    made.add(Sample(at(1), 1))
    made.add(Sample(at(2), 2))
    assert values(made.between(moment(0), moment(9))) == [1, 2]


def test_two_values_of_one_moment_are_both_kept() -> None:
    made = history(1)
    made.add(Sample(at(1), 7))
    assert values(made.between(moment(0), moment(9))) == [1, 7]


def test_before_the_first_sample_everything_is_a_gap() -> None:
    made = history(5)
    assert made.has_gap(moment(4), moment(6))
    assert not made.has_gap(moment(5), moment(6))


def test_a_lost_link_is_a_gap_until_the_next_new_sample() -> None:
    made = history(1, 2)
    made.mark_gap()
    assert made.has_gap(moment(1.5), moment(2.5))
    assert not made.has_gap(moment(1), moment(2))
    made.add(Sample(at(4), 4))
    assert made.has_gap(moment(3), moment(5))
    assert not made.has_gap(moment(4), moment(5))


def test_a_link_that_comes_back_with_the_same_value_left_no_gap() -> None:
    made = history(1, 2)
    made.mark_gap()
    made.add(Sample(at(2), 2))
    assert not made.has_gap(moment(1), moment(5))


def test_forgetting_keeps_the_value_that_held() -> None:
    made = history(1, 2, 3, 4)
    made.forget_before(moment(2.5))
    assert values(made.between(moment(0), moment(9))) == [2, 3, 4]
    assert not made.has_gap(moment(2.5), moment(9))


def test_bad_and_empty_values_are_not_usable() -> None:
    assert Sample(at(0), 1, 0).is_usable
    assert Sample(at(0), 1, 0x40000000).is_usable  # Uncertain
    assert not Sample(at(0), 1, 0x80000000).is_usable  # Bad
    assert not Sample(at(0), None, 0).is_usable


def test_what_held_before_the_clock_was_set_back_holds_until_the_next_value() -> None:
    made = history(100, 200)
    assert made.valid_at(moment(50, life=1)).value == 200
    made.add(Sample(at(60), 60, life=1))
    assert made.valid_at(moment(59, life=1)).value == 200
    assert made.valid_at(moment(60, life=1)).value == 60
    assert made.valid_at(moment(150)).value == 100  # and what was asked for before stays as it was


def test_an_interval_that_the_setting_of_the_clock_cuts_has_a_gap() -> None:
    made = history(198, 199, 200)
    made.add(Sample(at(50), 50, life=1))
    made.add(Sample(at(51), 51, life=1))
    assert not made.has_gap(moment(198), moment(199.5))
    assert made.has_gap(moment(199), moment(201))
    assert not made.has_gap(moment(50, life=1), moment(51, life=1))
    assert made.has_gap(moment(49.5, life=1), moment(51, life=1))
    assert values(made.between(moment(50, life=1), moment(51, life=1))) == [50, 51]
