"""Links that go bad, and values that are, against node-opcua: its count is the truth."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from asyncua import Client

from tests.components.black_hole import BlackHole
from tests.components.node_opcua import RealNodeOpcua
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, ConnectorProcess
from tests.pipeline.connectors.edge_ledger import ledgers_of
from tests.pipeline.connectors.published import Published
from tests.pipeline.connectors.running_source import RunningSource
from wire import topics
from wire.kafka.embedded import EmbeddedBroker
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


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker:
        yield broker


def keys(server: RealNodeOpcua, **changes: object) -> dict[str, object]:
    return {
        "endpoint": server.endpoint,
        "namespace": server.namespace,
        "context": {"part_counter": "s=Count", "part_id": "s=PartId", "trigger_session": "Line/TriggerSession"},
        "sensors": [{"name": "temperature", "node": "Line/Temperature"}],
        "window": {"before_s": 0.2, "after_s": 0.1, "grace_s": 0.2},
        **changes,
    }


def told(published: Published) -> list[int]:
    """Numbers of the parts in Kafka, in order."""
    return published.sequences(topics.PART_CONTEXT)


def assert_every_part_has_arrived(published: Published) -> None:
    """None lost, none twice, in order, each with its own id, and the ledgers of both sources add up without a hole."""
    arrived = told(published)
    assert arrived == list(range(arrived[0], arrived[0] + len(arrived)))
    for event in published.events(topics.PART_CONTEXT):
        context = context_from_event(event)
        assert context.part.part_id == f"part-{context.origin.sequence + 1}"
    for source in (f"{LINE}/plc", f"{LINE}/plc/sensors"):
        (ledger,) = ledgers_of(published, source).values()
        assert ledger.published == set(arrived)
        assert not ledger.holes
        assert not ledger.dropped


def test_a_black_hole_is_noticed_and_every_part_made_meanwhile_arrives_once(
    server: RealNodeOpcua, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    published = Published(broker.bootstrap)
    with BlackHole(server.port) as way:
        told_keys = keys(server, endpoint=f"opc.tcp://127.0.0.1:{way.port}")
        with ConnectorProcess("opcua", tmp_path, bootstrap=broker.bootstrap, **told_keys) as connector:
            wait_until(lambda: len(told(published)) >= 5, 20, "five parts")
            way.open_up()
            # The test has nothing to wait for but time itself: the hole's length is what is tested.
            with pytest.raises(AssertionError):
                wait_until(lambda: False, HOLE_S, "the end of the hole")
            assert connector.probe("/readyz")[0] == 503
            last = told(published)[-1]
            way.heal()
            wait_until(
                lambda: told(published)[-1] > last + HOLE_S * 10 * 0.9, 60, lambda: str(told(published)[-5:]),
                interval_s=0.5,
            )  # fmt: skip
            assert connector.metric("connector_opcua_reconnects_total") >= 1
            connector.stop()
    assert_every_part_has_arrived(published)


def test_a_server_without_a_free_session_is_left_alone_and_joined_when_one_is_free(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    published = Published(broker.bootstrap)
    with RealNodeOpcua(max_sessions=1) as server:
        connector = ConnectorProcess("opcua", tmp_path, bootstrap=broker.bootstrap, **keys(server))
        try:
            asyncio.run(crowd_out(connector, server))
            wait_until(lambda: connector.probe("/readyz") == (200, "ok"), 30, lambda: connector.log_tail())
            wait_until(lambda: len(told(published)) >= 3, 20, "parts")
            connector.stop()
        finally:
            connector.kill()
    assert_every_part_has_arrived(published)


async def crowd_out(connector: ConnectorProcess, server: RealNodeOpcua) -> None:
    """Hold the only session until the connector has found out, then leave."""
    async with Client(server.endpoint):
        connector.start()

        def is_told() -> bool:
            return "the server has no free session" in (connector.probe("/readyz") or (0, ""))[1]

        await asyncio.to_thread(wait_until, is_told, 20, lambda: connector.log_tail())


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
