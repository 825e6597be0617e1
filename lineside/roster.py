"""Which processes a site has, and the configuration file of each."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lineside.child import ChildSpec
from lineside.data_folder import DataFolder
from lineside.line_plan import JOIN_WINDOW_S, PlannedLine
from lineside.plant.opcua_server import CONTEXT_TAGS, NAMESPACE, SENSOR_TAGS
from lineside.plant.process import camera_source
from lineside.plant.sensor_playback import window_half_s
from lineside.ports import PortPlan
from lineside.settings_file import save
from lineside.source_choice import SourceChoice, SourceKind
from lineside.up_options import UpOptions
from wire.frame import DEPTH, RGB
from wire.kafka.settings import KafkaSettings

HOST: Final = "127.0.0.1"
_PYTHON: Final = (sys.executable, "-m")
# With the embedded broker a worker that joins waits for the session timeout of the one before (CONVENTIONS §2.7).
_EMBEDDED_SESSION_S: Final = 6.0
# Two lines of 640 x 480 pictures fill this in hours; a demo must not fill the disk.
_SPOOL_BYTES: Final = 1024**3
WORKER_ROLES: Final = ("inspect", "describe", "store", "build")
EMBEDDED_PARTITIONS: Final = 4


@dataclass(frozen=True, kw_only=True)
class SitePlan:
    """What all processes of a site share."""

    options: UpOptions
    source: SourceChoice
    lines: Sequence[PlannedLine]
    folder: DataFolder
    database: str
    objects: str
    page_port: int


class Roster:
    """Makes the children of a site. ``telemetry``: address of each one's /metrics, by name, in the order of making."""

    def __init__(self, site: SitePlan, ports: PortPlan) -> None:
        self._site = site
        self._ports = ports
        self.telemetry: dict[str, str] = {}
        self.plant_control = ""
        self._endpoint = ""

    def broker(self) -> ChildSpec:
        """The embedded broker. Essential: another one would begin empty, at another address."""
        folder = self._site.folder
        return self._child(
            "broker",
            ["lineside", "broker"],
            {"address_file": str(folder.broker_address.resolve()), "partitions": EMBEDDED_PARTITIONS},
            essential=True,
        )

    def plant(self, commissioned: set[str]) -> ChildSpec:
        """The virtual plant; ``commissioned``: lines that know their product from an earlier run."""
        site, control, opcua = self._site, self._ports.take(), self._ports.take()
        self.plant_control = f"http://{HOST}:{control}"
        folder = site.source.folder
        content: dict[str, Any] = {
            "lines": [
                {
                    "line": line.line,
                    "watch": str(site.folder.watch(line.line).resolve()),
                    "depth": line.depth,
                    "commissioning_parts": 0 if line.line in commissioned else line.spec.learning_parts,
                    "seed": line.seed,
                }
                for line in site.lines
            ],
            "source": {"kind": "folder", "directory": str(folder.directory.resolve())}
            if folder
            else {"kind": "procedural"},
            "rate_hz": site.options.rate_hz,
            "defect_rate": site.options.defect_rate,
            "truth": str(site.folder.truth.resolve()),
            "opcua": {"host": HOST, "port": opcua},
            "control": {"host": HOST, "port": control},
            "autostart": False,
            "faults": site.options.faults,
            "late_s": JOIN_WINDOW_S + 2.0,
        }
        spec = self._child("plant", ["lineside", "plant", "run"], content)
        self._endpoint = f"opc.tcp://{HOST}:{opcua}/lineside/plant"
        return spec

    def connectors(self, broker: KafkaSettings) -> list[ChildSpec]:
        """One process per line: for its cameras and its PLC, or for its replay. ``plant`` comes first."""
        make = self._devices if self._site.source.has_plant else self._replay
        return [make(line, broker) for line in self._site.lines]

    def results(self, broker: KafkaSettings) -> ChildSpec:
        """The way back: verdicts of every line into the virtual PLC. ``plant`` comes first."""
        names = {"part_id": "PartId", "verdict": "Verdict", "late": "Late", "counter": "Counter"}
        echoes = {"part_id": "EchoPartId", "counter": "EchoCounter"}
        lines = [
            {
                "line": line.line,
                "deadline_s": JOIN_WINDOW_S,
                "plc": {
                    "endpoint": self._endpoint,
                    "namespace": NAMESPACE,
                    "nodes": {key: f"{line.short_name}/Result{tag}" for key, tag in names.items()},
                    "acknowledge": {key: f"{line.short_name}/{tag}" for key, tag in echoes.items()},
                },
            }
            for line in self._site.lines
        ]
        journal = str((self._site.folder.root / "results.journal").resolve())
        content = {"broker": broker.plain(), "journal": journal, "lines": lines}
        return self._child("results", ["connectors", "results"], content)

    def workers(self, broker: KafkaSettings) -> list[ChildSpec]:
        """One process per role."""
        site = self._site
        shared: dict[str, Any] = {
            "broker": broker.plain(),
            "database": site.database,
            "objects": site.objects,
            "recipe": site.options.recipe,
            "recipe_changes": dict(site.options.recipe_changes),
            "log_json": False,
            **({"session_timeout_s": _EMBEDDED_SESSION_S} if broker.embedded else {}),
        }
        return [
            self._child(role, ["lineside", "worker", "--roles", role], {**shared, "name": f"{role}-1"})
            for role in WORKER_ROLES
        ]

    def dashboard(self, broker: KafkaSettings) -> ChildSpec:
        """Pages and API."""
        site = self._site
        content = {
            "host": HOST,
            "port": site.page_port,
            "database": site.database,
            "objects": site.objects,
            "broker": broker.plain(),
            "log_json": False,
        }
        return self._child("dashboard", ["lineside", "dashboard"], content)

    def _devices(self, line: PlannedLine, broker: KafkaSettings) -> ChildSpec:
        return self._connector("line", line, broker, {"cameras": self._cameras(line), "plc": self._plc(line)})

    def _cameras(self, line: PlannedLine) -> list[dict[str, str]]:
        watch = self._site.folder.watch(line.line).resolve()
        cameras = [
            {"source": camera_source(line.line, modality), "watch": str(watch / modality), "modality": modality}
            for modality in [RGB, *([DEPTH] if line.depth else [])]
        ]
        for camera in cameras:
            (watch / camera["modality"]).mkdir(parents=True, exist_ok=True)
        return cameras

    def _plc(self, line: PlannedLine) -> dict[str, Any]:
        half_s = window_half_s(self._site.options.rate_hz)
        names = {"PartCounter": "part_counter", "PartId": "part_id", "TriggerSession": "trigger_session",
                 "Product": "product", "Job": "job", "Recipe": "recipe", "PackMLState": "packml_state"}  # fmt: skip
        return {
            "endpoint": self._endpoint,
            "namespace": NAMESPACE,
            "context": {names[tag]: f"{line.short_name}/{tag}" for tag in CONTEXT_TAGS},
            "sensors": [
                {"name": tag, "node": f"{line.short_name}/{tag}", "unit": unit} for tag, unit in SENSOR_TAGS.items()
            ],
            "window": {"before_s": half_s, "after_s": half_s},
        }

    def _replay(self, line: PlannedLine, broker: KafkaSettings) -> ChildSpec:
        source = self._site.source
        origin = {"rtsp": source.address} if source.kind is SourceKind.RTSP else {"video": source.address, "loop": True}
        one = {"source": camera_source(line.line, RGB), "rate_fps": self._site.options.rate_hz, **origin}
        return self._connector("replay", line, broker, {"sources": [one]})

    def _connector(self, kind: str, line: PlannedLine, broker: KafkaSettings, content: dict[str, Any]) -> ChildSpec:
        name = f"connector-{line.short_name}"
        shared = {
            "line": line.line,
            "broker": broker.plain(),
            "objects": self._site.objects,
            "spool": {"directory": str(self._site.folder.spool(name).resolve()), "max_bytes": _SPOOL_BYTES},
        }
        return self._child(name, ["connectors", kind], {**shared, **content})

    def _child(self, name: str, module: list[str], content: dict[str, Any], *, essential: bool = False) -> ChildSpec:
        """Write the configuration file and describe the process."""
        port = self._ports.take()
        self.telemetry[name] = f"http://{HOST}:{port}"
        path = self._site.folder.config(name)
        save(path, {**content, "telemetry": {"host": HOST, "port": port}})
        return ChildSpec(
            name=name,
            command=[*_PYTHON, *module, "--config", str(path.resolve())],
            log=self._site.folder.log(name),
            ready_url=f"{self.telemetry[name]}/readyz",
            essential=essential,
            # Several processes share the cores: threads of OpenCV and BLAS in each would only get in each other's way.
            environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} if name != "inspect" else {},
        )
