"""The virtual plant as a process, seen by an independent OPC UA client and in the folders of its cameras."""

import hashlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from asyncua import Client, Node, ua

from lineside.plant.opcua_server import NAMESPACE, PlantServer, TagWrite
from lineside.plant.truth_ledger import read_truth
from lineside.plant_client import PlantClient
from tests.components.child_process import ChildProcess
from tests.components.ports import free_port, free_ports
from tests.components.waiting import wait_until, wait_until_async
from wire.errors import ConfigurationError, RetryLater

pytestmark = pytest.mark.slow

LINE = "demo.hall1.line1"
START_DEADLINE_S = 60.0


class Plant:
    """A plant with one line that has a depth sensor; ends with the test."""

    def __init__(self, folder: Path, *, rate_hz: float = 10.0, commissioning_parts: int = 0, faults: str = "") -> None:
        opcua, control, telemetry = free_ports(3)
        self.endpoint = f"opc.tcp://127.0.0.1:{opcua}/lineside/plant"
        self.client = PlantClient(f"http://127.0.0.1:{control}")
        self.watch = folder / "watch"
        self.truth = folder / "truth.jsonl"
        settings = {
            "lines": [
                {"line": LINE, "watch": str(self.watch), "depth": True, "commissioning_parts": commissioning_parts}
            ],
            "rate_hz": rate_hz,
            "truth": str(self.truth),
            "opcua": {"port": opcua},
            "control": {"port": control},
            "telemetry": {"port": telemetry},
            "autostart": False,
            "faults": faults,
            "server_down_s": 0.5,
        }
        config = folder / "plant.yaml"
        config.write_text(yaml.safe_dump(settings))
        self.process = ChildProcess(
            [sys.executable, "-m", "lineside", "plant", "run", "--config", config], log_path=folder / "plant.log"
        )
        wait_until(self._answers, START_DEADLINE_S, lambda: f"the plant\n{self.process.log_tail()}")

    def _answers(self) -> bool:
        self.process.ensure_alive()
        try:
            return bool(self.client.state())
        except RetryLater:
            return False

    @property
    def figures(self) -> dict[str, Any]:
        figures: dict[str, Any] = self.client.state()[LINE]
        return figures

    def produce(self, parts: int) -> None:
        """Make at least so many parts, then stop the production."""
        self.client.start()
        wait_until(lambda: self.figures["parts"] >= parts, 30, lambda: f"{parts} parts, {self.figures}")
        self.client.stop()
        wait_until(lambda: self.figures["packml_state"] == "Stopped", 5, "the end of production")

    def stop(self) -> None:
        self.process.stop(deadline_s=10)

    def sidecars(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.watch.rglob("*.json"))]


@pytest.fixture
def plant(tmp_path: Path) -> Any:
    plants: list[Plant] = []

    def start(**options: Any) -> Plant:
        plants.append(Plant(tmp_path, **options))
        return plants[-1]

    yield start
    for each in plants:
        each.stop()


async def tag(client: Client, name: str) -> Node:
    index = await client.get_namespace_index(NAMESPACE)
    return await client.nodes.objects.get_child([f"{index}:line1", f"{index}:{name}"])


async def test_a_client_sees_context_and_moving_sensors_of_the_part(plant: Any) -> None:
    running: Plant = plant()
    async with Client(running.endpoint) as client:
        counter, part_id = await tag(client, "PartCounter"), await tag(client, "PartId")
        assert await (await tag(client, "PackMLState")).read_value() == "Idle"
        running.client.start()

        async def three_parts() -> bool:
            return int(await counter.read_value()) >= 3

        await wait_until_async(three_parts, 30, "three parts")
        vibration = await tag(client, "Vibration")
        seen = {await vibration.read_value()}

        async def has_moved() -> bool:
            seen.add(await vibration.read_value())
            return len(seen) > 3

        await wait_until_async(has_moved, 10, "moving values")
        running.client.stop()
        wait_until(lambda: running.figures["packml_state"] == "Stopped", 5, "the end of production")
        value = await counter.read_data_value()
        truth = list(read_truth(running.truth))[-1]
        assert value.Value is not None
        assert value.Value.Value == truth["counter"]
        assert value.SourceTimestamp is not None
        # OPC UA counts in steps of 100 ns, so the trigger's microseconds arrive whole.
        assert value.SourceTimestamp.replace(tzinfo=UTC) == datetime.fromisoformat(truth["triggered_at"])
        assert await part_id.read_value() == truth["part_id"]
        assert await (await tag(client, "TriggerSession")).read_value() == truth["trigger_session"]
        assert await (await tag(client, "Product")).read_value() == "A"


def test_truth_names_every_delivered_file_byte_for_byte(plant: Any) -> None:
    running: Plant = plant(faults="corrupt_image=0.2,empty_image=0.1,camera_drops=0.2,duplicate=0.2,out_of_order=0.2")

    running.produce(25)

    frames = {
        (frame["source"], frame["session"], frame["sequence"]): frame
        for part in read_truth(running.truth)
        for frame in part["frames"]
    }
    delivered: dict[tuple[str, str, int], int] = {}
    for sidecar in running.sidecars():
        source = f"{LINE}/{'depth1' if sidecar['modality'] == 'depth' else 'camera1'}"
        key = (source, sidecar["session"], sidecar["sequence"])
        delivered[key] = delivered.get(key, 0) + 1
        image = running.watch / sidecar["modality"] / sidecar["image"]
        assert hashlib.sha256(image.read_bytes()).hexdigest() == frames[key]["file_sha256"]
    assert set(delivered) == {key for key, frame in frames.items() if frame["fault"] != "dropped"}
    assert {key for key, count in delivered.items() if count > 1} <= {
        key for key, frame in frames.items() if frame["fault"] in ("duplicate", "corrupt", "empty")
    }
    assert {frame["fault"] for frame in frames.values()} >= {None, "dropped", "corrupt"}
    for source in (f"{LINE}/camera1", f"{LINE}/depth1"):
        assert sorted(key[2] for key in frames if key[0] == source) == list(range(len(frames) // 2))


def test_the_line_holds_after_its_commissioning_parts_until_it_is_told(plant: Any) -> None:
    running: Plant = plant(commissioning_parts=4)
    running.client.start()

    wait_until(lambda: running.figures["packml_state"] == "Held", 20, "the hold")
    assert [part["defect"] for part in read_truth(running.truth)] == [False] * 4
    assert not running.client.commissioned(LINE, "another product")
    assert running.client.commissioned(LINE, "A")
    wait_until(lambda: running.figures["parts"] >= 8, 20, "parts after the hold")


def test_a_fault_that_is_asked_for_happens_and_an_unknown_one_is_refused(plant: Any) -> None:
    running: Plant = plant()
    running.client.inject("product_change", line="line1")
    running.client.inject("plc_restart")

    running.produce(3)

    parts = list(read_truth(running.truth))
    assert parts[0]["faults"] == ["plc_restart", "product_change"]
    assert [part["product"] for part in parts[:2]] == ["A", "B"]
    with pytest.raises(ConfigurationError, match="'earthquake' is not a fault"):
        running.client.inject("earthquake")
    with pytest.raises(ConfigurationError, match="'line9' is no line of this plant; there are line1"):
        running.client.inject("duplicate", line="line9")


def test_the_share_of_defective_parts_can_be_raised_while_the_plant_runs(plant: Any) -> None:
    running: Plant = plant()
    running.client.set_defect_rate(1.0, line="line1")
    running.produce(6)
    # The first parts were drawn ahead of the call.
    assert [part["defect"] for part in read_truth(running.truth)][-3:] == [True] * 3
    with pytest.raises(ConfigurationError, match=r"1\.5 is not a share from 0 to 1"):
        running.client.set_defect_rate(1.5)


@asynccontextmanager
async def serving() -> AsyncIterator[PlantServer]:
    server = PlantServer(endpoint=f"opc.tcp://127.0.0.1:{free_port()}/plant", lines=["line1"])
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def test_values_of_the_time_when_the_server_was_away_are_there_when_it_is_back() -> None:
    async with serving() as server:
        await see_values_of_the_time_away(server)


async def see_values_of_the_time_away(server: PlantServer) -> None:
    await server.stop()
    at = datetime(2026, 5, 1, 12, 0, 0, 5, tzinfo=UTC)
    await server.write([TagWrite(line="line1", tag="PartCounter", value=41, source_at=at)])

    await server.start()

    async with Client(server.endpoint) as client:
        value = await (await tag(client, "PartCounter")).read_data_value()
    assert value.Value is not None
    assert value.Value.Value == 41
    assert value.SourceTimestamp is not None
    assert value.SourceTimestamp.replace(tzinfo=UTC) == at


async def test_a_message_that_the_server_no_longer_has_is_answered_as_not_available() -> None:
    """asyncua's own answer is Good and empty, on which its client asks again for ever (CONVENTIONS §3.3)."""
    async with serving() as server, Client(server.endpoint) as client:
        subscription = await client.create_subscription(100, None)
        with pytest.raises(ua.uaerrors.BadMessageNotAvailable):
            await client.uaclient.session.republish(subscription.subscription_id, 4711)
        await subscription.delete()


async def test_a_subscription_of_an_earlier_life_is_not_one_of_this_life() -> None:
    """With equal numbers a client that comes back is given the subscription of another, which then hears nothing."""
    async with serving() as server:
        ids = [await _id_of_a_new_subscription(server)]
        await server.restart(down_s=0)
        ids.append(await _id_of_a_new_subscription(server))

    assert ids[0] != ids[1]


async def _id_of_a_new_subscription(server: PlantServer) -> int:
    async with Client(server.endpoint) as client:
        subscription = await client.create_subscription(100, None)
        number = int(subscription.subscription_id)
        await subscription.delete()
    return number
