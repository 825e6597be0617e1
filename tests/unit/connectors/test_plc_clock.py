"""In which life of the PLC's clock a value was stamped. Times in seconds, by the PLC and by the host."""

from datetime import timedelta

from connectors.opcua.plc_clock import PlcClock
from tests.unit.connectors.frames import START


class Clock:
    def __init__(self) -> None:
        self._clock = PlcClock(settle_s=0.25)

    def life(self, tag: str, plc_s: float, host_s: float) -> int:
        return self._clock.life_of(tag, START + timedelta(seconds=plc_s), host_s)


def running() -> Clock:
    """Two tags of a clock that is 1000 s ahead of the host's."""
    clock = Clock()
    assert [clock.life(tag, 1000 + at, at) for at in (1, 2, 3) for tag in ("counter", "id")] == [0] * 6
    return clock


def test_values_that_are_delayed_belong_to_the_same_life() -> None:
    clock = running()
    assert [clock.life("counter", 1000 + at, 63) for at in (4, 5, 60)] == [0, 0, 0]  # a minute in the server's queue
    assert clock.life("counter", 1064, 64) == 0


def test_a_tag_that_did_not_change_for_days_sends_its_value_without_setting_the_clock() -> None:
    clock = Clock()
    assert clock.life("product", -400_000, 1) == 0
    assert clock.life("counter", 900, 1) == 0
    assert clock.life("counter", 1002, 2) == 0
    assert clock.life("product", 1003, 3) == 0


def test_a_step_of_less_than_two_seconds_is_none() -> None:
    clock = running()
    assert clock.life("counter", 1002, 4) == 0
    assert clock.life("counter", 1006.9, 5) == 0


def test_a_clock_that_is_set_back_begins_a_life_once_for_all_tags() -> None:
    clock = running()
    assert clock.life("counter", 504, 4) == 1
    assert clock.life("id", 504, 4) == 1
    assert clock.life("counter", 505, 5) == 1
    assert clock.life("id", 506, 6) == 1


def test_a_clock_that_is_set_forward_begins_a_life_too() -> None:
    clock = running()
    assert clock.life("counter", 4604, 4) == 1
    assert clock.life("id", 4604, 4) == 1
    assert clock.life("id", 4605, 5) == 1


def test_a_value_from_before_that_comes_behind_one_of_another_tag_belongs_before() -> None:
    """One notification brings each tag's queue: the counter's values of both lives, then the id's."""
    clock = running()
    assert [clock.life("counter", at, 4.1) for at in (1003.9, 504.0)] == [0, 1]
    assert [clock.life("id", at, 4.1) for at in (1003.9, 504.0)] == [0, 1]
    assert clock.life("counter", 505, 5) == 1


def test_a_tag_that_was_silent_meanwhile_is_in_the_new_life_with_its_next_value() -> None:
    clock = running()
    clock.life("counter", 504, 4)
    assert clock.life("id", 1100, 600) == 1  # later than its last one by the clock, which shows nothing


def test_back_and_forward_again_are_two_lives() -> None:
    clock = running()
    assert clock.life("counter", 504, 4) == 1
    assert clock.life("counter", 1010, 10) == 2
    assert clock.life("id", 1011, 11) == 2
