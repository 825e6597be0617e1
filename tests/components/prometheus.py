"""A real Prometheus server that scrapes what a test names."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from tests.components.child_process import ChildProcess
from tests.components.ports import free_port
from tests.components.waiting import DeadlineExceeded, wait_until

START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 10.0


class QueryError(AssertionError):
    """Prometheus refused a query. The message is its own."""


@dataclass(frozen=True)
class Sample:
    """One series of an instant query."""

    labels: Mapping[str, str]
    value: float


class RealPrometheus:
    """One Prometheus server on 127.0.0.1 with a configuration made of `targets` and `rules`.

    `targets` maps a job's name to addresses `host:port`; the path is /metrics.
    """

    def __init__(
        self,
        targets: Mapping[str, Sequence[str]],
        *,
        rules: Sequence[Path] = (),
        scrape_interval_s: int = 1,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="lineside-prometheus-"))
        self._targets = targets
        self._rules = rules
        self._scrape_interval_s = scrape_interval_s
        self._process: ChildProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, deadline_s: float = START_DEADLINE_S) -> Self:
        """Start the server and return when it is ready to answer queries."""
        configuration = self._write_configuration()
        checked = subprocess.run(
            ["promtool", "check", "config", configuration], capture_output=True, text=True, check=False
        )
        if checked.returncode != 0:
            raise ValueError(f"Prometheus refuses its configuration:\n{checked.stdout}{checked.stderr}")
        process = ChildProcess(
            [
                "prometheus",
                f"--config.file={configuration}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=warn",
            ],
            log_path=self.folder / "prometheus.log",
            cwd=self.folder,
        )
        self._process = process

        def is_ready() -> bool:
            process.ensure_alive()
            try:
                return httpx.get(f"{self.url}/-/ready", timeout=5, trust_env=False).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        try:
            wait_until(is_ready, deadline_s, f"Prometheus on {self.url} to be ready")
        except DeadlineExceeded as late:
            late.add_note(process.log_tail())
            self.close()
            raise
        return self

    def close(self) -> None:
        """Stop and remove all data."""
        if self._process is not None:
            self._process.stop(deadline_s=STOP_DEADLINE_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def query(self, expression: str) -> list[Sample]:
        """Answer an instant query that yields a vector or a scalar; no series is an empty list."""
        data = self._get("query", query=expression)
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        if data["resultType"] != "vector":
            raise QueryError(f"{expression!r} yields a {data['resultType']}, not a vector")
        return [Sample(series["metric"], float(series["value"][1])) for series in data["result"]]

    def value(self, expression: str) -> float | None:
        """Answer an instant query of at most one series; None if there is no such series yet."""
        samples = self.query(expression)
        if len(samples) > 1:
            labels = [dict(sample.labels) for sample in samples]
            raise QueryError(f"{expression!r} yields {len(samples)} series: {labels}")
        return samples[0].value if samples else None

    def wait_for_targets(self, *, deadline_s: float = 30.0) -> None:
        """Return when every target has been scraped successfully."""
        expected = sum(len(addresses) for addresses in self._targets.values())
        wait_until(
            lambda: len(self.query("up == 1")) == expected,
            deadline_s,
            lambda: f"{expected} targets to be up; health: {self._target_errors()}",
            interval_s=0.2,
        )

    def firing_alerts(self) -> set[str]:
        """Return the names of the alerts that fire now."""
        return {alert["labels"]["alertname"] for alert in self._get("alerts")["alerts"] if alert["state"] == "firing"}

    def _target_errors(self) -> dict[str, str]:
        active = self._get("targets")["activeTargets"]
        return {target["scrapeUrl"]: target["lastError"] or target["health"] for target in active}

    def _get(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10, trust_env=False).json()
        if answer["status"] != "success":
            raise QueryError(f"{path} {parameters}: {answer['error']}")
        return answer["data"]

    def _write_configuration(self) -> Path:
        path = self.folder / "prometheus.yml"
        interval = f"{self._scrape_interval_s}s"
        path.write_text(
            yaml.safe_dump(
                {
                    "global": {
                        "scrape_interval": interval,
                        "scrape_timeout": interval,
                        "evaluation_interval": interval,
                    },
                    "rule_files": [str(rule.resolve()) for rule in self._rules],
                    "scrape_configs": [
                        {"job_name": job, "static_configs": [{"targets": list(addresses)}]}
                        for job, addresses in self._targets.items()
                    ],
                }
            )
        )
        return path
