"""The dashboard as a process of its own, over a filled SQLite history and an embedded broker."""

import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import numpy as np
import yaml

from storage.database import Database
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.migrate import migrate
from storage.objects import open_payload_store
from storage.references import ReferenceStore
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from tests.components.child_process import ChildProcess
from tests.components.ports import free_port
from tests.components.waiting import wait_until
from tests.unit.dashboard.made_parts import LINE, OTHER_LINE, SESSION, made_part, made_report
from wire import topics
from wire.command import LineCommand
from wire.finding import Verdict
from wire.frame import Origin
from wire.inspection import Inspection
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.reader import read_topic
from wire.kafka.settings import KafkaSettings
from wire.ledger import Disposition, EventReference, Heartbeat, HeartbeatStage, Outcome, SourceLedger
from wire.line_state import Calibration, LineSpec, LineState, StateActivated, StateMetadata
from wire.sequence_set import SequenceSet

PARTS = 60
# Two shared cores: the first start compiles and imports for seconds.
START_DEADLINE_S = 60.0


class FilledSite:
    """Start it as a context; ``url`` is the page's address. ``add`` stores more parts while it runs."""

    def __init__(self, folder: Path, *, keys_file: Path | None = None) -> None:
        self._folder = folder
        self._port = free_port()
        self._database_url = f"sqlite:///{folder}/history.db"
        self._objects_url = f"file://{folder}/objects"
        self._keys_file = keys_file
        self._broker: EmbeddedBroker | None = None
        self.process: ChildProcess | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.parts: list[Inspection] = []

    def __enter__(self) -> Self:
        (self._folder / "objects").mkdir(parents=True, exist_ok=True)
        migrate(self._database_url)
        self.database = Database(self._database_url)
        self.payloads = open_payload_store(self._objects_url)
        self._fill()
        self._broker = EmbeddedBroker(topics.with_dead_letters(), 1)
        config = self._folder / "dashboard.yaml"
        config.write_text(yaml.safe_dump(self._settings()))
        self.process = ChildProcess(
            [sys.executable, "-m", "dashboard", "--config", config], log_path=self._folder / "dashboard.log"
        )
        wait_until(self._answers, START_DEADLINE_S, lambda: f"the dashboard to answer:\n{self.log()}")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.kill()
        if self._broker is not None:
            self._broker.stop()
        self.payloads.close()
        self.database.close()

    def log(self) -> str:
        """The last lines of the process's log."""
        return self.process.log_tail() if self.process is not None else ""

    def commands(self) -> list[LineCommand]:
        """What the pages sent to Kafka so far."""
        settings = KafkaSettings(bootstrap=self._bootstrap, embedded=True)
        return [LineCommand.from_json(record.value or b"") for record in read_topic(settings, topics.COMMANDS)]

    def add(self, number: int, *, verdict: Verdict = Verdict.OK, line: str = LINE) -> Inspection:
        """Store one more part, captured now."""
        part = made_part(self.payloads, number, line=line, verdict=verdict, captured_at=datetime.now(UTC))
        self._store([part])
        return part

    @property
    def _bootstrap(self) -> str:
        return self._broker.bootstrap if self._broker is not None else ""

    def _settings(self) -> dict[str, object]:
        return {
            "port": self._port,
            "database": self._database_url,
            "objects": self._objects_url,
            "broker": {"bootstrap": self._bootstrap, "embedded": True},
            "telemetry": {"port": 0},
            **({} if self._keys_file is None else {"keys_file": str(self._keys_file)}),
        }

    def _answers(self) -> bool:
        if self.process is not None:
            self.process.ensure_alive()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, TimeoutError):
            return False

    def _fill(self) -> None:
        registry = LineRegistry(self.database)
        registry.upsert(LineSpec(line=LINE, display_name="Tiles 1", expected_modalities=("rgb", "depth", "sensor")))
        registry.upsert(LineSpec(line=OTHER_LINE, display_name="Tiles 2"))
        now = datetime.now(UTC)
        for number in range(PARTS):
            at = now - timedelta(seconds=(PARTS - number) * 12)
            self.parts.append(self._made(LINE, number, at))
            if number % 3 == 0:
                self.parts.append(self._made(OTHER_LINE, number, at - timedelta(seconds=1)))
        self._store(self.parts)
        self._learn()

    def _made(self, line: str, number: int, at: datetime) -> Inspection:
        first = line == LINE
        verdict = Verdict.DEFECT if number % 9 == 4 else Verdict.UNKNOWN if number == 20 else Verdict.OK
        return made_part(
            self.payloads,
            number,
            line=line,
            verdict=verdict,
            captured_at=at,
            product="tile-a" if first else "tile-b",
            defect_type=("scratch", "dent", "scratch", "crack")[number % 4],
            state_version=2 if first else None,
            depth=first and number != 31,
            cloud=first,
            sensor=first,
            partial=number == 31,
        )

    def _store(self, parts: Sequence[Inspection]) -> None:
        reports = [made_report(part) for part in parts if part.verdict is Verdict.DEFECT]
        ResultSink(self.database).write(
            ResultBatch(
                inspections=parts, reports=reports, heartbeats=self._heartbeats(), dispositions=self._dispositions()
            )
        )

    def _heartbeats(self) -> list[Heartbeat]:
        published = SequenceSet.from_intervals([(0, PARTS + 2)])
        published.discard(7 + PARTS // 2)
        ledger = SourceLedger(
            captured=published.union(SequenceSet.parse("64-65")),
            published=published,
            spooled=SequenceSet.parse("64-65"),
            in_flight=SequenceSet(),
            dropped={},
        )
        return [
            Heartbeat(
                line=LINE,
                source=f"{LINE}/camera1",
                session=SESSION,
                sent_at=datetime.now(UTC),
                stage=stage,
                partition=0,
                ledger=ledger,
            )
            for stage in (HeartbeatStage.SEEN,)
        ]

    def _dispositions(self) -> list[Disposition]:
        origin = Origin(line=LINE, source=f"{LINE}/camera1", session=SESSION, sequence=PARTS)
        return [
            Disposition(
                line=LINE,
                event=EventReference.of(origin),
                outcome=Outcome.QUARANTINED,
                reason="truncated",
                topic=topics.FRAMES,
                partition=0,
                offset=PARTS,
                decided_at=datetime.now(UTC),
            )
        ]

    def _learn(self) -> None:
        states = LineStateStore(self.database, self.payloads)
        good = [part.inspection_id for part in self.parts if part.line == LINE and part.verdict is Verdict.OK][:32]
        ReferenceStore(self.database).accept(LINE, "tile-a", good, by="learning", reason="first 32 parts")
        for version, reason in ((1, "learned"), (2, "rebuilt")):
            metadata = StateMetadata(
                line=LINE,
                product="tile-a",
                version=0,
                recipe="embedded",
                model_digest="ab" * 32,
                spec=LineSpec(line=LINE),
                calibrations={"rgb": Calibration(references=32, scores=(0.9, 1.1), location=1.0, scale=0.2)},
                references=tuple(good),
                digest="",
                created_at=datetime.now(UTC) - timedelta(hours=3 - version),
            )
            tensors = {"rgb.bank": np.full((16, 4), version, np.float32)}
            added = states.add(
                LineState(metadata=metadata, tensors=tensors), parent=version - 1 or None, reason=reason, by="anna"
            )
            states.record_activation(
                StateActivated(
                    line=LINE,
                    product="tile-a",
                    version=added.version,
                    digest=added.digest,
                    activated_at=added.created_at,
                    by="anna",
                    reason=reason,
                ),
                cluster="c",
                partition=0,
                offset=100 * version,
            )
