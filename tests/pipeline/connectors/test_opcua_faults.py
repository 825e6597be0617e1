"""Links that go bad, and values that are, against node-opcua: its count is the truth."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from asyncua import Client

from tests.components.black_hole import BlackHole
from tests.components.node_opcua import RealNodeOpcua
from tests.components.waiting import wait_until
from tests.pipeline.connectors.running_source import RunningSource
from wire.part_context import context_from_event
from wire.sensor_window import SensorWindow

pytestmark = [pytest.mark.slow, pytest.mark.fault]

# Long enough for the loss to be noticed (5 s between probes, 5 s for an answer) and for some attempts to fail.
HOLE_S = 30.0 if os.environ.get("LINESIDE_SOAK") else 12.0
BAD_SENSOR_FAILURE = 0x808C0000


@pytest.fixture
def server() -> Iterator[RealNodeOpcua]:
    with RealNodeOpcua() as server:
        yield server


def keys(server: RealNodeOpcua, **changes: object) -> dict[str, object]:
    return {
        "endpoint": server.endpoint,
        "namespace": server.namespace,
        "context": {"part_counter": "s=Count", "part_id": "s=PartId", "trigger_session": "Line/TriggerSession"},
        "sensors": [{"name": "temperature", "node": "Line/Temperature"}],
        "window": {"before_s": 0.2, "after_s": 0.1, "grace_s": 0.2},
        **changes,
    }


def sequences(source: RunningSource) -> list[int]:
    return [one.origin.sequence for one in source.contexts()]


def test_a_black_hole_is_noticed_and_every_part_made_meanwhile_arrives_once(server: RealNodeOpcua) -> None:
    with BlackHole(server.port) as way:
        source = RunningSource(keys(server, endpoint=f"opc.tcp://127.0.0.1:{way.port}"))
        try:
            source.wait_subscribed()
            wait_until(lambda: len(sequences(source)) >= 5, 20, "five parts")
            way.open_up()
            # The test has nothing to wait for but time itself: the hole's length is what is tested.
            with pytest.raises(AssertionError):
                wait_until(lambda: False, HOLE_S, "the end of the hole")
            assert source.source.trouble is not None
            told = sequences(source)[-1]
            way.heal()
            wait_until(
                lambda: sequences(source)[-1] > told + HOLE_S * 10 * 0.9, 60, lambda: str(sequences(source)[-5:])
            )
        finally:
            source.stop()
    arrived = sequences(source)
    assert arrived == list(range(arrived[0], arrived[0] + len(arrived)))  # none lost, none twice, in order
    assert all(
        context_from_event(one.event).part.part_id == f"part-{one.origin.sequence + 1}" for one in source.contexts()
    )
    assert source.metric("connector_opcua_reconnects_total") >= 1


def test_a_server_without_a_free_session_is_left_alone_and_joined_when_one_is_free() -> None:
    with RealNodeOpcua(max_sessions=1) as server:
        source = asyncio.run(crowded_out(server))
        try:
            wait_until(lambda: source.source.trouble is None, 30, lambda: str(source.source.trouble))
            wait_until(lambda: len(sequences(source)) >= 3, 20, "parts")
        finally:
            source.stop()


async def crowded_out(server: RealNodeOpcua) -> RunningSource:
    """A source that could not get in, because another client held the only session; the other one has left."""
    async with Client(server.endpoint):
        source = RunningSource(keys(server))

        def is_told() -> bool:
            return "the server has no free session" in (source.source.trouble or "")

        await asyncio.to_thread(wait_until, is_told, 20, lambda: f"the reason: {source.source.trouble}")
    return source


def test_rates_deadbands_elements_and_bad_values_reach_the_window_as_they_are(server: RealNodeOpcua) -> None:
    sensors = [
        {"name": "temperature", "node": "Line/Temperature", "deadband": 100.0},
        {"name": "pressure", "node": "s=Pressure", "publishing_ms": 50, "sampling_ms": 20},
        {"name": "level", "node": "own:Line/own:Levels::[1]", "publishing_ms": 250},
    ]
    window = {"before_s": 1.0, "after_s": 0.2, "grace_s": 0.5}
    source = RunningSource(keys(server, sensors=sensors, namespaces={"own": server.namespace}, window=window))
    try:
        source.wait_subscribed()
        wait_until(lambda: len(source.windows()) >= 15, 30, "windows")
    finally:
        source.stop()
    last = SensorWindow.from_json(source.windows()[12].event.data)
    count = source.windows()[12].origin.sequence + 1
    pressure, level = last.channel("pressure"), last.channel("level")
    assert last.channel("temperature").values == ()  # 20 to 24.5 never moves by 100, and the first value is long past
    statuses = {
        round(value): status for value, status in zip(pressure.values, pressure.statuses, strict=True) if value == value
    }
    assert statuses[count] == (BAD_SENSOR_FAILURE if count % 3 == 0 else 0)
    assert pressure.statuses.count(BAD_SENSOR_FAILURE) >= 2
    assert len(pressure.good()[1]) == pressure.statuses.count(0)
    assert 2.0 * count in level.values
    assert len(pressure.server_times_s) == len(pressure.values)
    assert source.metric("connector_opcua_values_total", quality="bad") >= 4
    assert source.metric("connector_opcua_service_level") == 255
    assert source.metric("connector_opcua_link_state", state="closed") == 1
