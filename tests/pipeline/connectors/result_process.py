"""The result writer as a process, and the results that it reads."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.components.child_process import ChildProcess
from tests.components.ports import free_port
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, REPOSITORY, telemetry_page
from tests.unit.wire.examples import made_inspection
from wire import topics
from wire.inspection import Inspection
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings


class ResultProcess:
    """``python -m connectors results``; may be killed and started again."""

    def __init__(self, folder: Path, *, bootstrap: str, **keys: Any) -> None:
        self.port = free_port()
        self.config = folder / "results.yaml"
        self._log = folder / "results.log"
        content = {
            "broker": {"bootstrap": bootstrap, "embedded": True},
            "journal": str(folder / "results.journal"),
            "telemetry": {"port": self.port},
            **keys,
        }
        self.config.write_text(yaml.safe_dump(content))

    def start(self) -> Self:
        args = [sys.executable, "-m", "connectors", "results", "--config", str(self.config)]
        self._process = ChildProcess(args, log_path=self._log, cwd=REPOSITORY)
        wait_until(self._is_ready, 60, lambda: f"the result writer to be ready\n{self._process.log_tail()}")
        return self

    def _is_ready(self) -> bool:
        self._process.ensure_alive()
        return telemetry_page(self.port, "/readyz") == (200, "ok")

    def count(self, outcome: str) -> int:
        """How many verdicts came to this outcome since its start."""
        return self._sum("result_writer_results_total", f'outcome="{outcome}"')

    def missed(self) -> int:
        return self._sum("result_writer_missed_total", "")

    def _sum(self, name: str, label: str) -> int:
        text = (telemetry_page(self.port, "/metrics") or (0, ""))[1]
        return sum(
            int(float(line.rsplit(" ", 1)[1]))
            for line in text.splitlines()
            if line.startswith(f"{name}{{") and label in line
        )

    def kill(self) -> None:
        self._process.kill()

    def stop(self) -> None:
        self._process.stop(deadline_s=6.0)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            error.add_note(self._process.log_tail())
        self.kill()


def result(part_id: str, *, age_s: float = 0.0, line: str = LINE, **changes: Any) -> Inspection:
    """A result of a part that was triggered ``age_s`` ago."""
    return made_inspection(line, part_id, datetime.now(UTC) - timedelta(seconds=age_s), **changes)


def send(bootstrap: str, results: Iterable[Inspection]) -> None:
    """Put results into Kafka as inspect does, acknowledged."""
    sender = KafkaSender(KafkaSettings(bootstrap=bootstrap), "test-inspect")
    try:
        for one in results:
            sender.send(topics.RESULTS, one.line, one.to_event(), lambda _: None)
        assert sender.flush(10) == 0
    finally:
        sender.close(5)
