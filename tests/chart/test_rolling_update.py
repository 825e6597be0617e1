"""A rolling update of the inspect workers, as the chart's Deployment does it, while connectors stream over real Kafka.

Old and new pods share the consumer group: the new one is ready first, then the old one gets SIGTERM (maxSurge 1,
maxUnavailable 0). At the end every picture has one row, and the ledger adds up.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.ledger import LedgerStore
from storage.ledger_account import LedgerFigures
from tests.chart.pictures import CameraPc
from tests.chart.pod_process import PodProcess
from tests.chart.rendering import REPOSITORY, render_values
from tests.components.kafka import RealKafka
from tests.components.postgres import RealPostgres
from tests.components.waiting import wait_until
from wire.inspection import Inspection

# Two workers load torch, for minutes on cores that others keep busy.
pytestmark = [pytest.mark.fault, pytest.mark.timeout(1200)]

SOAK = bool(os.environ.get("LINESIDE_SOAK"))
LINES = ("plant1.hall1.press1", "plant1.hall1.press2")
REPLICAS = 2 if SOAK else 1
STEP = 60 if SOAK else 12  # pictures of each line in one step of the update
START_DEADLINE_S = 360.0
ROOMS = ("connectors", "dashboard", "lineside", "models", "storage", "stream", "wire")


def next_version(folder: Path) -> Path:
    """The product with another version number: what its results name as their software."""
    for room in ROOMS:
        (folder / room).parent.mkdir(parents=True, exist_ok=True)
        (folder / room).symlink_to(REPOSITORY / room)
    info = folder / "lineside-0.2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lineside\nVersion: 0.2.0\n")
    return folder


class Site:
    """Pods of the chart as processes, on servers of the test's own."""

    def __init__(self, folder: Path, kafka: RealKafka, postgres: RealPostgres) -> None:
        self.folder = folder
        self._database = postgres.fresh_database()
        self._manifests = render_values({
            "kafka": {"bootstrap": kafka.bootstrap, "topics": {"partitions": 4}},
            "database": {"existingSecret": "database", "tls": {"mode": "disable"}},
            "objects": {"url": "file:///objects", "existingClaim": "objects"},
            "workers": {"inspect": {"settings": {"model_threads": 1, "evidence": "flagged"}}},
            "lines": [
                {
                    "name": short_name(line), "line": line, "kind": "camera", "watch": {"existingClaim": "pictures"},
                    "config": {"sources": [{"source": f"{line}/camera1", "watch": f"/watch/{short_name(line)}"}]},
                }
                for line in LINES
            ],
        })  # fmt: skip
        self._started: list[PodProcess] = []
        self.cameras = {line: CameraPc(folder / "watch" / short_name(line)) for line in LINES}

    def start(self, kind: str, name: str, **changes: Any) -> PodProcess:
        """Start one pod."""
        volumes = {
            "objects": self.folder / "objects", "watch": self.folder / "watch", "spool": self.folder / "spools" / name
        }  # fmt: skip
        pod = PodProcess(
            self._manifests, kind, name,
            folder=self.folder / "pods", secrets={"database": {"url": self._database}}, volumes=volumes, **changes,
        )  # fmt: skip
        self._started.append(pod)
        return pod

    def start_ready(self, kind: str, name: str, **changes: Any) -> PodProcess:
        """Start one pod and wait for what Kubernetes waits for before the next step of an update."""
        pod = self.start(kind, name, **changes)
        wait_until(pod.is_ready, START_DEADLINE_S, lambda: f"{pod.name} to be ready\n{pod.log_tail()}")
        return pod

    def run(self, job: str) -> None:
        """Run a job to its end."""
        pod = self.start("Job", job)
        wait_until(lambda: not pod.is_alive, 120, lambda: f"{pod.name} to end\n{pod.log_tail()}")
        assert pod.status == 0, pod.log_tail()

    def totals(self) -> LedgerFigures:
        """The ledger, all lines together."""
        database = Database(self._database)
        try:
            return LedgerStore(database).read().totals
        finally:
            database.close()

    def rows(self, line: str) -> list[Inspection]:
        """What the history holds of a line, doubles included."""
        database = Database(self._database)
        try:
            page = History(database).page(HistoryFilter(line=line), limit=self.cameras[line].delivered + 1)
            return [item.inspection for item in page.items]
        finally:
            database.close()

    def deliver(self) -> None:
        """One more step's pictures of every line."""
        for camera in self.cameras.values():
            camera.deliver(STEP)

    def until_all_used(self, *, deadline_s: float = 180) -> None:
        """Wait until every picture that was delivered is part of a stored result."""
        delivered = sum(camera.delivered for camera in self.cameras.values())
        wait_until(
            lambda: self.totals().used >= delivered,
            deadline_s,
            lambda: f"{delivered} pictures: {self.totals()}",
            interval_s=0.5,
        )

    def close(self) -> None:
        for pod in self._started:
            pod.terminate()


def short_name(line: str) -> str:
    return line.rsplit(".", 1)[1]


@pytest.fixture
def site(own_kafka: RealKafka, own_postgres: RealPostgres, tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path, own_kafka, own_postgres)
    yield opened
    opened.close()


def test_a_rolling_update_keeps_every_frame(site: Site) -> None:
    site.run("-migrate")
    site.run("-topics")
    site.start("Deployment", "-store")
    for line in LINES:
        site.start("StatefulSet", f"-{short_name(line)}")
    old = [site.start_ready("Deployment", "-inspect", pod_name=f"inspect-old-{number}") for number in range(REPLICAS)]
    site.deliver()
    site.until_all_used()

    updated = next_version(site.folder / "next")
    for number, before in enumerate(old):
        site.deliver()  # while the new one starts
        site.start_ready("Deployment", "-inspect", pod_name=f"inspect-new-{number}", python_path=updated)
        site.deliver()  # to both, side by side
        site.until_all_used()
        site.deliver()  # is on its way when the old one is told to end
        before.terminate()
        assert before.status == 0, before.log_tail()
    site.deliver()
    site.until_all_used()

    rows = {line: site.rows(line) for line in LINES}
    delivered = {line: camera.delivered for line, camera in site.cameras.items()}
    assert {line: len(found) for line, found in rows.items()} == delivered
    assert {line: len({row.inspection_id for row in found}) for line, found in rows.items()} == delivered
    totals = site.totals()
    assert totals.published == totals.used == sum(delivered.values())
    assert (totals.unaccounted, totals.unbalanced, totals.late, totals.waiting) == (0, 0, 0, 0)
    versions = Counter(row.provenance.software_version for found in rows.values() for row in found)
    assert versions["0.1.0"] >= STEP * len(LINES)  # before the update
    assert versions["0.2.0"] >= STEP * len(LINES)  # after it
