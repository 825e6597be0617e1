"""The OPC UA source against a real server: subscribed, cut off, restarted, stopped."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asyncua import Client

from tests.components.node_opcua import RealNodeOpcua
from tests.components.structured_asyncua import NAMESPACE as STRUCTURED
from tests.components.structured_asyncua import StructuredAsyncua
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, ConnectorProcess
from tests.pipeline.connectors.edge_ledger import ledgers_of
from tests.pipeline.connectors.plc_server import PlcServer
from tests.pipeline.connectors.published import Published
from tests.pipeline.connectors.running_source import RunningSource
from wire import topics
from wire.frame import frame_from_event
from wire.kafka.embedded import EmbeddedBroker
from wire.part_context import PartContext, context_from_event
from wire.sensor_window import SensorWindow

pytestmark = [pytest.mark.slow]


@pytest.fixture
def plc() -> Iterator[PlcServer]:
    with PlcServer() as plc:
        yield plc


@pytest.fixture
def run() -> Iterator[Callable[[dict[str, object]], RunningSource]]:
    running: list[RunningSource] = []

    def start(keys: dict[str, object]) -> RunningSource:
        running.append(RunningSource(keys))
        return running[-1]

    yield start
    for one in running:
        one.stop()


class RunningLine:
    """An OPC UA connector as a process, and what it has brought to Kafka."""

    def __init__(self, connector: ConnectorProcess, published: Published) -> None:
        self.connector = connector
        self._published = published

    def wait_ready(self) -> None:
        wait_until(lambda: self.connector.probe("/readyz") == (200, "ok"), 20, lambda: self.connector.log_tail())

    def contexts(self) -> list[PartContext]:
        return [context_from_event(event) for event in self._published.events(topics.PART_CONTEXT)]

    def windows(self) -> dict[int, SensorWindow]:
        """By sequence number."""
        frames = map(frame_from_event, self._published.events(topics.FRAME_SENSOR))
        return {frame.origin.sequence: SensorWindow.from_json(frame.payload) for frame in frames}

    def assert_accounted(self, *, parts: int, holes: set[int]) -> None:
        """End the connector; every part that the PLC counted is published or a named hole, for both of its sources."""
        self.connector.stop()
        for source in (f"{LINE}/plc", f"{LINE}/plc/sensors"):
            (ledger,) = ledgers_of(self._published, source).values()
            assert ledger.published | ledger.holes == set(range(parts))
            assert (ledger.holes, ledger.dropped) == (holes, {})


@pytest.fixture
def line(plc: PlcServer, tmp_path: Path) -> Iterator[RunningLine]:
    with (
        EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker,
        ConnectorProcess("opcua", tmp_path, bootstrap=broker.bootstrap, **plc.settings()) as connector,
    ):
        line = RunningLine(connector, Published(broker.bootstrap))
        line.wait_ready()
        yield line


Run = Callable[[dict[str, object]], RunningSource]


def test_each_part_gives_its_context_and_its_sensor_window(plc: PlcServer, run: Run) -> None:
    source = run(plc.settings())
    source.wait_subscribed()
    triggered = [plc.part() for _ in range(3)]
    wait_until(lambda: len(source.windows()) == 3, 10, "three windows")
    contexts = [context_from_event(one.event) for one in source.contexts()]
    assert [context.origin.sequence for context in contexts] == [0, 1, 2]
    assert [context.part.part_id for context in contexts] == ["P-1", "P-2", "P-3"]
    assert [context.part.triggered_at for context in contexts] == triggered
    assert contexts[0].origin.source == f"{LINE}/plc"
    assert contexts[0].origin.session == contexts[0].part.trigger_session == "t-1"
    assert contexts[0].part.product == "bracket"
    assert contexts[0].part.packml_state == "Execute"
    frame = frame_from_event(source.windows()[2].event)
    window = SensorWindow.from_json(frame.payload)
    temperature = window.channel("temperature")
    assert frame.origin.source == f"{LINE}/plc/sensors"
    assert frame.part.part_id == "P-3"
    assert temperature.unit == "°C"
    assert temperature.times_s[-1] == pytest.approx(-0.1, abs=1e-5)
    assert temperature.values[-1] == 23.0  # the value before the trigger; 99.0 lies behind the window


@pytest.mark.fault
def test_a_clock_that_jumps_back_and_forward_loses_no_part(plc: PlcServer, line: RunningLine) -> None:
    """The session and the product are written before the first jump alone; the ledger of truth is the PLC's counter."""
    plc.part(product="lever")
    wait_until(lambda: len(line.contexts()) == 1, 10, "the first part")
    triggered = []
    for counter, hours in ((2, -1), (3, -1), (4, 24), (5, 24)):
        told = len(line.contexts())
        at = datetime.now(UTC) + timedelta(hours=hours)
        plc.write(at, Temperature=20.0 + counter, PartId=f"P-{counter}", PartCounter=counter)
        triggered.append(at)
        wait_until(lambda told=told: len(line.contexts()) > told, 10, "the part's context")
    wait_until(lambda: len(line.windows()) == 5, 10, "every window")
    line.assert_accounted(parts=5, holes=set())
    contexts = line.contexts()
    assert [context.part.part_id for context in contexts] == [f"P-{number}" for number in range(1, 6)]
    assert {(context.part.trigger_session, context.part.product) for context in contexts} == {("t-1", "lever")}
    assert [context.part.triggered_at for context in contexts][1:] == triggered
    windows = line.windows()
    assert {sequence: window.has_gap for sequence, window in windows.items() if sequence in (1, 3)} == {
        1: True,
        3: True,
    }
    assert [windows[sequence].channel("temperature").values[-1] for sequence in range(1, 5)] == [22.0, 23.0, 24.0, 25.0]


@pytest.mark.fault
def test_a_server_restart_is_survived_and_what_was_missed_is_a_hole(plc: PlcServer, line: RunningLine) -> None:
    plc.part()
    plc.part()
    wait_until(lambda: len(line.windows()) == 2, 10, "two windows")
    plc.stop()
    wait_until(lambda: line.connector.probe("/readyz")[0] == 503, 10, "the link to be lost")
    plc.part()
    plc.part()
    plc.part()  # the server knows only the last one when it is back
    plc.start()
    line.wait_ready()
    plc.part()
    wait_until(lambda: len(line.windows()) == 4, 10, "four windows")
    line.assert_accounted(parts=6, holes={2, 3})
    assert [context.origin.sequence for context in line.contexts()] == [0, 1, 4, 5]  # nothing twice
    assert line.windows()[4].has_gap


def test_a_server_that_is_not_there_yet_is_waited_for(plc: PlcServer, run: Run) -> None:
    plc.stop()
    source = run(plc.settings())
    wait_until(lambda: "ConnectionRefused" in (source.source.trouble or ""), 10, "an attempt to fail")
    plc.start()
    source.wait_subscribed()
    plc.part()
    wait_until(lambda: len(source.contexts()) == 1, 10, "the context")


def test_a_node_that_does_not_exist_is_named(plc: PlcServer, run: Run) -> None:
    keys = plc.settings()
    keys["sensors"] = [{"name": "humidity", "node": "line3/Humidity"}]
    source = run(keys)
    wait_until(lambda: "line3/Humidity" in (source.source.trouble or ""), 10, "the node to be named")


def test_a_full_publisher_is_asked_again_and_nothing_is_lost(plc: PlcServer, run: Run) -> None:
    source = run(plc.settings())
    source.wait_subscribed()
    source.full = True
    for _ in range(3):
        plc.part()
    source.full = False
    wait_until(lambda: len(source.windows()) == 3, 10, "three windows")
    assert [one.origin.sequence for one in source.contexts()] == [0, 1, 2]


def test_stopping_closes_the_session_and_submits_the_last_part(plc: PlcServer, run: Run) -> None:
    source = run(plc.settings())
    source.wait_subscribed()
    assert plc.sessions() == 1
    plc.part()
    wait_until(lambda: len(source.contexts()) == 1, 10, "the context")
    source.stop()
    assert plc.sessions() == 0
    assert len(source.windows()) == 1


@pytest.mark.fault
def test_sigterm_of_the_process_closes_its_session_on_the_server(plc: PlcServer, tmp_path: Path) -> None:
    with (
        EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker,
        ConnectorProcess("opcua", tmp_path, bootstrap=broker.bootstrap, **plc.settings()) as connector,
    ):
        wait_until(lambda: connector.probe("/readyz") == (200, "ok"), 20, "the connector to be ready")
        assert plc.sessions() == 1
        assert connector.metric("connector_opcua_connected") == 1
        plc.part()
        published = Published(broker.bootstrap)
        wait_until(lambda: published.sequences(topics.FRAME_SENSOR) == [0], 10, "the window")
        connector.stop(deadline_s=5.0)
        assert plc.sessions() == 0
        assert published.sequences(topics.PART_CONTEXT) == [0]
        for source in (f"{LINE}/plc", f"{LINE}/plc/sensors"):
            beat = published.last_heartbeat(source)
            assert beat is not None
            assert beat.closed
            assert (beat.session, str(beat.ledger.published)) == ("t-1", "0")


@pytest.mark.fault
def test_a_killed_connector_tells_the_present_part_again_under_the_same_ids(plc: PlcServer, tmp_path: Path) -> None:
    with EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker:
        connector = ConnectorProcess("opcua", tmp_path, bootstrap=broker.bootstrap, **plc.settings())
        published = Published(broker.bootstrap)
        with connector:
            wait_until(lambda: connector.probe("/readyz") == (200, "ok"), 20, "the connector to be ready")
            plc.part()
            wait_until(lambda: published.sequences(topics.PART_CONTEXT) == [0], 10, "the context")
            connector.kill()
        with connector:
            wait_until(lambda: published.sequences(topics.PART_CONTEXT) == [0, 0], 20, "the context again")
        assert len({event.id for event in published.events(topics.PART_CONTEXT)}) == 1


def test_fields_of_structures_are_learned_from_the_server_and_read(run: Run, tmp_path: Path) -> None:
    """Types of the server's own, one inside the other, and an array in them; its part n says n everywhere."""
    with StructuredAsyncua(tmp_path) as server:
        source = run({
            "endpoint": server.endpoint,
            "namespace": STRUCTURED,
            "context": {
                "part_counter": "Line/Count",
                "part_id": "Line/Part::Id",
                "trigger_session": "Line/TriggerSession",
                "recipe": "Line/Part::Recipe.Name",
                "product": "Line/Product",
                "job": "Line/Order",
            },
            "sensors": [
                {"name": "speed", "node": "Line/Part::Recipe.Speed"},
                {"name": "level", "node": "Line/Part::Levels[1]"},
            ],
            "window": {"before_s": 0.0, "after_s": 0.0, "grace_s": 0.3},
        })  # fmt: skip
        source.wait_subscribed()
        wait_until(lambda: len(source.windows()) >= 5, 20, "five windows")
    contexts = [context_from_event(one.event) for one in source.contexts()]
    for context in contexts:
        number = context.origin.sequence + 1
        assert (context.part.part_id, context.part.recipe) == (f"part-{number}", f"r-{number}")
        assert (context.part.product, context.part.job) == ("Hebel", "A-4711")
    for one in source.windows()[1:]:
        window, number = SensorWindow.from_json(one.event.data), one.origin.sequence + 1
        assert list(window.channel("speed").values) == [1.5 * number]
        assert list(window.channel("level").values) == [2.0 * number]


def test_an_independent_server_is_subscribed_and_followed_over_a_restart(
    own_node_opcua: RealNodeOpcua, run: Run
) -> None:
    server = own_node_opcua
    source = run(asyncio.run(server_settings(server)))
    source.wait_subscribed()
    wait_until(lambda: len(source.windows()) >= 5, 20, "five windows")
    contexts = [context_from_event(one.event) for one in source.contexts()]
    assert all(context.part.part_id == f"part-{context.origin.sequence + 1}" for context in contexts)
    sequences = [context.origin.sequence for context in contexts]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))  # none missed, none twice
    server.restart()
    told = len(source.contexts())
    wait_until(lambda: len(source.contexts()) >= told + 5, 60, "contexts after the restart")
    assert len({one.event.id for one in source.submitted}) == len(source.submitted)


async def server_settings(server: RealNodeOpcua) -> dict[str, object]:
    async with Client(server.endpoint) as client:
        namespace = (await client.get_namespace_array())[1]
    return {
        "endpoint": server.endpoint,
        "namespace": namespace,
        "context": {
            "part_counter": "Line/Count",
            "part_id": "Line/PartId",
            "trigger_session": "Line/TriggerSession",
        },
        "sensors": [{"name": "temperature", "node": "Line/Temperature", "unit": "°C"}],
        "window": {"before_s": 0.2, "after_s": 0.1, "grace_s": 0.2},
    }
