import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from lineside.plant.camera import Camera
from lineside.plant.faults import FaultDice, FaultPlan
from lineside.plant.line import Line
from lineside.plant.metrics import PlantMetrics
from lineside.plant.opcua_server import PlantServer, TagWrite
from lineside.plant.plc import Plc
from lineside.plant.produced_part import ProducedPart, Shot
from lineside.plant.sensor_playback import window_half_s
from lineside.plant.truth_ledger import TruthLedger, read_truth
from models.synth.sensor_trace import SensorTrace
from tests.components.waiting import wait_until_async
from wire.timestamps import from_rfc3339

RATE_HZ = 10.0
TIMES = np.arange(-0.5, 0.5, 0.02)


class Numbered:
    """Parts whose speed is their number: 0, 1, … while the line learns, 100, 101, … afterwards."""

    commissioning_parts = 3

    def part(self, index: int, *, commissioning: bool, product_index: int) -> ProducedPart:
        speed = np.full(len(TIMES), index if commissioning else 100 + index, np.float64)
        return ProducedPart(
            product="A",
            shots=(Shot(modality="rgb", data=b"picture", extension=".jpg"),),
            sensors={"Speed": SensorTrace(unit="m/s", times_s=TIMES, values=speed)},
            defect=False,
        )


class Recorded(PlantServer):
    """Nobody is connected to it; it remembers every write."""

    def __init__(self) -> None:
        super().__init__(endpoint="opc.tcp://127.0.0.1:1/none", lines=["line1"])
        self.writes: list[TagWrite] = []

    async def write(self, writes: Sequence[TagWrite]) -> None:
        self.writes.extend(writes)


async def produced(folder: Path, parts: int, *, hindered_s: float) -> tuple[Recorded, list[tuple[int, datetime]]]:
    """Let a line make ``parts`` after it has learned; four times a second its process stands for ``hindered_s``.

    What was written to its PLC, and (counter, triggered at) of each part by the ledger of truth.
    """
    server, loop = Recorded(), asyncio.get_running_loop()
    truth = TruthLedger(folder / "truth.jsonl")
    with ThreadPoolExecutor(1) as executor:
        line = Line(
            line="demo.hall1.line1", rate_hz=RATE_HZ, source=Numbered(), plc=Plc(line="line1", server=server),
            cameras={"rgb": Camera(source="demo.hall1.line1/camera1", modality="rgb", folder=folder / "rgb")},
            truth=truth, dice=FaultDice(FaultPlan.parse(""), seed=[0]), late_s=4.0, executor=executor,
            metrics=PlantMetrics(CollectorRegistry()),
        )  # fmt: skip

        def stand_still() -> None:
            threading.Event().wait(hindered_s)  # on purpose in the loop's own thread: nothing of the line goes on
            if running:
                loop.call_later(0.25, stand_still)

        running = True
        stand_still()
        making = asyncio.create_task(line.run())
        line.begin()
        await wait_until_async(lambda: line.figures.packml_state == "Held", 20, "the line to be held")
        line.resume("A")
        await wait_until_async(lambda: line.figures.parts >= 3 + parts, 20, lambda: f"parts: {line.figures}")
        line.stop()
        await making
        running = False
    truth.close()
    made = read_truth(folder / "truth.jsonl")
    return server, [(part["counter"], from_rfc3339(part["triggered_at"])) for part in made]


@pytest.mark.parametrize("hindered_s", [0.0, 0.15], ids=["on time", "a process that is often busy"])
async def test_every_window_holds_the_samples_of_its_own_part_and_of_no_idle_line(tmp_path: Path, hindered_s: float):
    server, parts = await produced(tmp_path, 8, hindered_s=hindered_s)
    half = timedelta(seconds=window_half_s(RATE_HZ))
    speeds = [write for write in server.writes if write.tag == "Speed"]
    seen = [[one.value for one in speeds if abs(one.source_at - at) <= half] for _, at in parts[:11]]
    assert [set(values) for values in seen] == [{0}, {1}, {2}, *({100 + part} for part in range(8))]
    # 120 samples a second, of which a window takes nine tenths of a tenth.
    assert {len(values) for values in seen} <= {10, 11}


async def test_the_plc_tells_a_part_as_of_the_moment_that_its_window_lies_around(tmp_path: Path):
    server, parts = await produced(tmp_path, 2, hindered_s=0.15)
    counted = {write.value: write.source_at for write in server.writes if write.tag == "PartCounter"}
    executing = [write.source_at for write in server.writes if write.value == "Execute"]
    assert [counted[counter] for counter, _ in parts] == [at for _, at in parts]
    assert executing == [parts[0][1], parts[3][1]]  # learned from, and after the line was held
