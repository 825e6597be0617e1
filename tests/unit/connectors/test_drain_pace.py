"""How much of the spool may be on its way beside new events."""

from connectors.drain_pace import DrainPace

MIB = 1024 * 1024


def pace(*, per_new: float = 3.0) -> DrainPace:
    return DrainPace(per_new=per_new, most_events=256, most_bytes=16 * MIB)


def drained(pace: DrainPace, now_s: float) -> int:
    count = 0
    while count < 1000 and pace.allows(now_s, events=0, size=0):
        pace.drained()
        count += 1
    return count


def test_three_of_the_spool_follow_each_new_event() -> None:
    paced = pace()
    paced.new_arrived(100.0)
    assert drained(paced, 100.0) == 0
    paced.new_sent()
    assert drained(paced, 100.0) == 3
    paced.new_sent()
    paced.new_sent()
    assert drained(paced, 100.3) == 6


def test_a_share_below_one_lets_one_pass_after_several() -> None:
    paced = pace(per_new=0.5)
    paced.new_arrived(100.0)
    paced.new_sent()
    assert drained(paced, 100.0) == 0
    paced.new_sent()
    assert drained(paced, 101.0) == 1


def test_a_line_that_stands_still_has_no_one_to_wait_for() -> None:
    paced = pace()
    assert drained(paced, 0.0) == 1000  # before the first new event
    paced.new_arrived(100.0)
    assert not paced.allows(109.9, events=0, size=0)
    assert paced.allows(110.1, events=0, size=0)


def test_the_window_halves_on_a_slow_link_and_grows_on_a_quick_one() -> None:
    paced = pace()
    paced.new_sent()
    assert paced.allows(100.0, events=1, size=MIB - 1)
    assert not paced.allows(100.0, events=1, size=MIB)
    paced.acknowledged(300_000, waited_s=0.5)
    assert paced.window_bytes == MIB // 2
    paced.acknowledged(300_000, waited_s=0.2)  # neither quick nor slow
    assert paced.window_bytes == MIB // 2
    paced.acknowledged(300_000, waited_s=0.01)
    assert paced.window_bytes == MIB // 2 + 300_000
    for _ in range(100):
        paced.acknowledged(MIB, waited_s=0.01)
    assert paced.window_bytes == 16 * MIB
    for _ in range(100):
        paced.acknowledged(1, waited_s=9.0)
    assert paced.window_bytes == 64 * 1024


def test_an_event_larger_than_the_window_passes_alone() -> None:
    paced = pace()
    for _ in range(100):
        paced.acknowledged(1, waited_s=9.0)
    paced.new_sent()
    assert paced.allows(100.0, events=0, size=0)
