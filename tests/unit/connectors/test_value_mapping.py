"""From tag values to contexts and windows, without a network and without a clock."""

import math
from datetime import timedelta

import pytest

from connectors.opcua.settings import OpcUaSettings
from connectors.opcua.tag_history import Sample
from connectors.opcua.value_mapping import Due, PlcMapping
from tests.unit.connectors.frames import LINE, START
from wire.sensor_window import SensorWindow

# settle: 0.05 + 2 x 0.1 = 0.25 s; window: 1 s before, 0.5 s after, 0.5 s grace
SETTLE_S = 0.25


def settings(**keys: object) -> OpcUaSettings:
    return OpcUaSettings.model_validate({
        "line": LINE,
        "broker": {"bootstrap": "127.0.0.1:9092"},
        "objects": "file:///objects",
        "spool": {"directory": "/spool"},
        "endpoint": "opc.tcp://plc:4840",
        "namespace": "urn:plant",
        "context": {
            "part_counter": "PartCounter",
            "part_id": "PartId",
            "trigger_session": "TriggerSession",
            "product": "Product",
        },
        "sensors": [{"name": "temperature", "node": "T", "unit": "°C"}, {"name": "speed", "node": "S"}],
        **keys,
    })  # fmt: skip


class Plc:
    """Feeds a mapping; times in seconds after START, by the PLC's clock, which is the host's here."""

    def __init__(self, **keys: object) -> None:
        self.mapping = PlcMapping(settings(**keys))

    def context(self, at: float, tag: str, value: object, *, status: int = 0, now: float | None = None) -> None:
        sample = Sample(START + timedelta(seconds=at), value, status)
        self.mapping.context_value(tag, sample, now_s=at if now is None else now)

    def sensor(self, at: float, channel: str, value: object, status: int = 0, *, now: float | None = None) -> None:
        sample = Sample(START + timedelta(seconds=at), value, status)
        self.mapping.sensor_value(channel, sample, now_s=at if now is None else now)

    def part(self, at: float, counter: int, *, session: str = "t-1", part_id: str | None = None) -> None:
        self.context(at, "trigger_session", session)
        self.context(at, "part_id", part_id or f"P-{counter}")
        self.context(at, "part_counter", counter)

    def due(self, now: float, *, ending: bool = False) -> Due:
        return self.mapping.due(now, ending=ending)


def test_a_context_is_told_once_its_values_had_time_to_arrive() -> None:
    plc = Plc()
    plc.part(10, 3)
    assert plc.due(10 + SETTLE_S - 0.01).contexts == []
    (context,) = plc.due(10 + SETTLE_S).contexts
    assert (context.origin.source, context.origin.session, context.origin.sequence) == (f"{LINE}/plc", "t-1", 2)
    assert (context.part.part_id, context.part.triggered_at) == ("P-3", START + timedelta(seconds=10))
    assert plc.due(99).contexts == []


def test_the_context_is_what_held_at_the_trigger_not_what_came_last() -> None:
    plc = Plc()
    plc.context(5, "product", "bracket")
    plc.part(10, 3)
    plc.context(10.1, "part_id", "P-4")  # the PLC prepares the next part already
    plc.context(10.1, "product", "lever")
    (context,) = plc.due(11).contexts
    assert (context.part.part_id, context.part.product) == ("P-3", "bracket")


def test_a_value_that_arrives_after_the_count_but_belongs_before_it_is_used() -> None:
    plc = Plc()
    plc.context(9, "trigger_session", "t-1")
    plc.context(9, "part_id", "P-2")
    plc.context(10, "part_counter", 3)
    plc.context(9.99, "part_id", "P-3", now=10.2)
    assert [context.part.part_id for context in plc.due(11).contexts] == ["P-3"]


def test_a_counter_that_comes_again_is_told_once() -> None:
    plc = Plc()
    plc.part(10, 3)
    plc.part(10, 3)
    plc.due(11)
    plc.part(10, 3)
    assert plc.due(20).contexts == []


def test_a_new_trigger_session_counts_from_one_again() -> None:
    plc = Plc()
    plc.part(10, 1)
    plc.part(20, 1, session="t-2")
    contexts = plc.due(30).contexts
    assert [(context.origin.session, context.origin.sequence) for context in contexts] == [("t-1", 0), ("t-2", 0)]


@pytest.mark.parametrize("counter", [0, -1, None, "seven"])
def test_a_count_that_is_none_is_no_part(counter: object) -> None:
    plc = Plc()
    plc.context(10, "trigger_session", "t-1")
    plc.context(10, "part_counter", counter)
    assert plc.due(99) == Due()


def test_a_part_without_id_is_reported_and_its_window_is_told_all_the_same() -> None:
    plc = Plc()
    plc.context(10, "trigger_session", "t-1")
    plc.context(10, "part_id", "P-1", status=0x80000000)
    plc.context(10, "part_counter", 1)
    due = plc.due(99)
    assert due.contexts == []
    assert [(one.origin.sequence, one.message) for one in due.unusable] == [
        (0, "part counter 1: no part id held at its time")
    ]
    assert len(due.windows) == 1


def test_a_part_without_trigger_session_is_reported_without_a_number() -> None:
    plc = Plc()
    plc.context(11, "trigger_session", "t-1")  # later than the trigger
    plc.context(10, "part_counter", 1)
    due = plc.due(99)
    assert [(one.origin, one.message) for one in due.unusable] == [
        (None, "part counter 1: no trigger session held at its time")
    ]
    assert due.windows == []


def test_a_window_holds_the_samples_around_the_trigger_with_times_relative_to_it() -> None:
    plc = Plc()
    for at, value in ((8.9, 1), (9, 2), (9.5, 3), (10.5, 4), (10.6, 5)):
        plc.sensor(at, "temperature", float(value), 0x40000000 if value == 3 else 0)
    plc.sensor(8.5, "speed", 7)
    plc.sensor(10.7, "speed", 8)
    plc.part(10, 1)
    (frame,) = plc.due(10.7).windows
    window = SensorWindow.from_json(frame.payload)
    temperature = window.channel("temperature")
    assert temperature.times_s == pytest.approx((-1.0, -0.5, 0.5))
    assert temperature.values == (2, 3, 4)
    assert temperature.statuses == (0, 0x40000000, 0)
    assert temperature.unit == "°C"
    assert window.channel("speed").values == ()
    assert (window.before_s, window.after_s, window.has_gap) == (1.0, 0.5, False)
    assert frame.attributes == {"opcuastatus": str(0x40000000)}
    assert (frame.modality, frame.origin.source, frame.origin.sequence) == ("sensor", f"{LINE}/plc/sensors", 0)
    assert frame.captured_at == START + timedelta(seconds=10)


def test_a_window_waits_for_newer_values_or_for_the_grace_time() -> None:
    plc = Plc()
    plc.part(10, 1)
    plc.sensor(10.6, "temperature", 1.0)
    assert plc.due(10.9).windows == []  # nothing of speed yet
    assert len(plc.due(11.0).windows) == 1  # 0.5 after + 0.5 grace


def test_a_bad_value_keeps_its_status_and_has_no_number() -> None:
    plc = Plc()
    plc.sensor(9.5, "temperature", None, 0x80000000)
    plc.part(10, 1)
    (frame,) = plc.due(99).windows
    temperature = SensorWindow.from_json(frame.payload).channel("temperature")
    assert math.isnan(temperature.values[0])
    assert temperature.statuses == (0x80000000,)


def test_a_lost_link_marks_the_windows_it_touches() -> None:
    plc = Plc()
    for at in (8.0, 9.8):
        plc.sensor(at, "temperature", at)
        plc.sensor(at, "speed", at)
    plc.part(10, 1)
    plc.mapping.link_lost()
    for at in (12.0, 13.5, 14.8):
        plc.sensor(at, "temperature", at)
        plc.sensor(at, "speed", at)
    plc.part(14, 2)
    first, second = plc.due(99).windows
    assert SensorWindow.from_json(first.payload).has_gap is True
    assert SensorWindow.from_json(second.payload).has_gap is False


def test_at_the_end_everything_is_told_as_it_is() -> None:
    plc = Plc()
    plc.sensor(8.0, "temperature", 1.0)
    plc.sensor(8.0, "speed", 1.0)
    plc.part(10, 1)
    due = plc.due(10.0, ending=True)
    assert len(due.contexts) == 1
    assert SensorWindow.from_json(due.windows[0].payload).has_gap is True


def test_without_sensors_there_are_no_windows() -> None:
    plc = Plc(sensors=[])
    plc.part(10, 1)
    due = plc.due(99)
    assert (len(due.contexts), due.windows) == (1, [])


def test_a_day_of_values_does_not_pile_up() -> None:
    plc = Plc()
    for second in range(5000):
        plc.sensor(second, "temperature", 1.0)
        plc.sensor(second, "speed", 1.0)
        plc.part(second, second + 1)
        plc.due(second)
    assert len(plc.mapping._channels["temperature"].between((0, START), (0, START + timedelta(days=1)))) < 30


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_a_clock_that_is_set_loses_no_part_and_no_context(step_s: float) -> None:
    """Product and session were written once, long before; by the clock that was set back they lie in the future."""
    plc = Plc()
    plc.context(1, "trigger_session", "t-1")
    plc.context(1, "product", "bracket")
    for counter, at in ((1, 5.0), (2, 6.0)):
        plc.sensor(at - 0.1, "temperature", 20.0 + counter)
        plc.sensor(at - 0.1, "speed", 1.0)
        plc.context(at, "part_id", f"P-{counter}")
        plc.context(at, "part_counter", counter)
    contexts, windows = [], []
    for counter, now in ((3, 6.2), (4, 7.2), (5, 8.2)):
        at = now + step_s
        plc.context(at, "part_id", f"P-{counter}", now=now)
        plc.context(at, "part_counter", counter, now=now)
        plc.sensor(at + 0.05, "temperature", 20.0 + counter, now=now + 0.05)
        plc.sensor(at + 0.05, "speed", 1.0, now=now + 0.05)
        due = plc.due(now + 0.3)
        contexts += due.contexts
        windows += due.windows
        assert due.unusable == []
    due = plc.due(20)
    contexts += due.contexts
    windows += due.windows
    assert [context.part.part_id for context in contexts] == ["P-1", "P-2", "P-3", "P-4", "P-5"]
    assert {(context.part.trigger_session, context.part.product) for context in contexts} == {("t-1", "bracket")}
    assert [frame.origin.sequence for frame in windows] == [0, 1, 2, 3, 4]
    read = [SensorWindow.from_json(frame.payload) for frame in windows]
    assert list(read[1].channel("temperature").values) == [22.0]
    assert list(read[2].channel("temperature").values) == [23.0]  # what lies across the step has no known distance
    assert list(read[4].channel("temperature").values) == [24.0, 25.0]
    assert [window.has_gap for window in read][1:] == [True, True, True, False]
