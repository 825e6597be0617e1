"""How many value changes of an OPC UA server reach Kafka, against a bare asyncua subscriber that only counts them."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import yaml

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.interleaving import interleave
from lineside.bench.opcua_server import NAMESPACE
from lineside.bench.processor_time import processor_s
from lineside.bench.steady_memory import SteadyMemory, steady_memory
from lineside.ports import PortPlan
from wire import topics
from wire.cloudevents import from_kafka
from wire.errors import MustStop
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.group_reader import GroupReader
from wire.kafka.settings import KafkaSettings
from wire.sensor_window import SensorWindow

AIM: Final = 0.8

_LINE: Final = "bench.hall1.line1"
_READY_S: Final = 120.0
_STOP_S: Final = 10.0
_POLL_S: Final = 0.1
# The first windows begin before the subscription; processes warm up.
_WARM_UP: Final = 5
_SHOWN_LINES: Final = 20


@dataclass(frozen=True, kw_only=True)
class OpcUaScale:
    """How much is measured: ``nodes`` that together change ``per_second`` times a second."""

    repetitions: int
    seconds: float
    memory_s: float
    nodes: int = 100
    per_second: float = 5000.0


FULL: Final = OpcUaScale(repetitions=7, seconds=10.0, memory_s=300.0)
QUICK: Final = OpcUaScale(repetitions=3, seconds=4.0, memory_s=10.0)


def bench_opcua(folder: Path, scale: OpcUaScale) -> list[Comparison]:
    """Measure on loopback, the server in a process of its own. MustStop if a process does not come up."""
    endpoint = f"opc.tcp://127.0.0.1:{PortPlan(0).take()}"
    with EmbeddedBroker(topics.with_dead_letters(), 1) as broker, _server(endpoint, scale):
        rig = _Rig(folder, endpoint, KafkaSettings(bootstrap=broker.bootstrap), scale)
        product, baseline = interleave(rig.forward, rig.subscribe, scale.repetitions)
        memory = rig.memory()
    return [
        Comparison(
            name="OPC UA, values",
            unit="values/s",
            product_side="connectors opcua: in windows, in Kafka",
            baseline_side="bare asyncua subscriber",
            product=product,
            baseline=baseline,
            aim=AIM,
            direction=Direction.AT_LEAST,
            note=f"{scale.nodes} nodes, {scale.per_second:g} changes/s asked of the server; processor time per value "
            f"{median(rig.product_us):.0f} against {median(rig.baseline_us):.0f} us",
        ),
        memory.comparison("OPC UA, memory", "connectors opcua"),
    ]


@contextmanager
def _server(endpoint: str, scale: OpcUaScale) -> Iterator[None]:
    command = [sys.executable, "-m", "lineside.bench.opcua_server", endpoint, str(scale.nodes), str(scale.per_second)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "ready\n":
                raise MustStop("the benchmark's OPC UA server did not start")
            yield
        finally:
            process.kill()


class _Rig:
    """Both sides; each call is one measurement with a process of its own."""

    def __init__(self, folder: Path, endpoint: str, kafka: KafkaSettings, scale: OpcUaScale) -> None:
        self._endpoint = endpoint
        self._kafka = kafka
        self._scale = scale
        self.product_us: list[float] = []
        self.baseline_us: list[float] = []
        self._config = folder / "opcua.yaml"
        self._log = folder / "opcua.log"
        self._config.write_text(yaml.safe_dump(self._settings(folder)), encoding="utf-8")

    def subscribe(self) -> float:
        """Values per second of the bare subscriber."""
        scale = self._scale
        command = [sys.executable, "-m", "lineside.bench.bare_subscriber", self._endpoint]
        answer = subprocess.run(
            [*command, str(scale.nodes), str(scale.seconds)], capture_output=True, text=True, check=False
        )
        if answer.returncode:
            raise MustStop(f"the bare subscriber failed:\n{answer.stderr}")
        rate, used_us = map(float, answer.stdout.split())
        self.baseline_us.append(used_us)
        return rate

    def forward(self) -> float:
        """Values per second in the windows that reach Kafka, by the triggers' own times."""
        with self._reader() as reader, self._connector() as pid:
            return self._count(reader, pid)

    def memory(self) -> SteadyMemory:
        """The connector's, counted from its first windows on."""
        with self._connector() as pid:
            with self._reader() as reader:
                give_up_s, windows = time.monotonic() + _READY_S, 0
                while windows < _WARM_UP and time.monotonic() < give_up_s:
                    record = reader.poll(_POLL_S)
                    if record is not None:
                        windows += from_kafka(record.headers, record.value).type == topics.FRAME_SENSOR
            return steady_memory(self._scale.memory_s, pid)

    @contextmanager
    def _reader(self) -> Iterator[GroupReader]:
        reader = GroupReader(self._kafka, topic=topics.FRAMES, group=f"bench-{time.monotonic_ns()}")
        try:
            yield reader
        finally:
            reader.close()

    @contextmanager
    def _connector(self) -> Iterator[int]:
        """Its process id."""
        command = [sys.executable, "-m", "connectors", "opcua", "--config", str(self._config)]
        with (
            self._log.open("wb") as log,
            subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process,
        ):
            try:
                yield process.pid
            finally:
                process.terminate()
                process.wait(_STOP_S)

    def _count(self, reader: GroupReader, pid: int) -> float:
        """Windows follow one another without a gap, so their values per time are the stream's.

        They are only collected meanwhile: reading them costs as much as making them, on the connector's cores.
        """
        give_up_s = time.monotonic() + _READY_S
        ends_s: float | None = None
        used_s = 0.0
        collected: list[bytes] = []
        while ends_s is None or time.monotonic() < ends_s:
            record = reader.poll(_POLL_S)
            if record is not None:
                reader.done(record)
                event = from_kafka(record.headers, record.value)
                if event.type == topics.FRAME_SENSOR:
                    collected.append(event.data)
            if ends_s is None and len(collected) >= _WARM_UP:
                ends_s, used_s = time.monotonic() + self._scale.seconds, processor_s(pid)
            if time.monotonic() > give_up_s + self._scale.seconds:
                said = "\n".join(self._log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:])
                raise MustStop(f"the connector brought {len(collected)} windows; its log ends with\n{said}")
        windows = [SensorWindow.from_json(data) for data in collected[_WARM_UP - 1 :]]
        used_s = processor_s(pid) - used_s
        values = sum(len(channel.values) for window in windows[1:] for channel in window.channels)
        self.product_us.append(used_s / max(values, 1) * 1e6)
        return values / (windows[-1].triggered_at - windows[0].triggered_at).total_seconds()

    def _settings(self, folder: Path) -> dict[str, object]:
        return {
            "line": _LINE,
            # Not marked as embedded: nothing reads on, so there is no reader to wait for.
            "broker": {"bootstrap": self._kafka.bootstrap},
            "objects": (folder / "objects").as_uri(),
            "spool": {"directory": str(folder / "spool")},
            "endpoint": self._endpoint,
            "namespace": NAMESPACE,
            "context": {
                "part_counter": "Line/PartCounter",
                "part_id": "Line/PartId",
                "trigger_session": "Line/TriggerSession",
            },
            "sensors": [{"name": f"v{number}", "node": f"Line/Value{number}"} for number in range(self._scale.nodes)],
            # Parts come every 200 ms: each value is in one window.
            "window": {"before_s": 0.2, "after_s": 0.0, "grace_s": 0.5},
        }
