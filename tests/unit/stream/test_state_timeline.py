"""Which version judges a part."""

from stream.steps.state_timeline import StateTimeline


def test_activation_holds_for_parts_whose_first_event_lies_behind_it() -> None:
    timeline = StateTimeline()
    timeline.activate(20, 2)
    timeline.activate(10, 1)
    timeline.activate(10, 1)
    assert [timeline.at(offset) for offset in (5, 11, 19, 21, 99)] == [None, 1, 1, 2, 2]


def test_rollback_is_an_activation_of_an_older_version() -> None:
    timeline = StateTimeline()
    for offset, version in ((10, 1), (20, 2), (30, 1)):
        timeline.activate(offset, version)
    assert timeline.at(25) == 2
    assert timeline.at(31) == 1
