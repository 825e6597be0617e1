"""A rolling update of the inspect workers, as the chart's Deployment does it, while connectors stream over real Kafka.

The database is migrated first, and workers of the version before go on with it. Old and new pods share the consumer
group: the new one is ready first, then the old one gets SIGTERM (maxSurge 1, maxUnavailable 0). Then all of it goes
back again, schema included. At the end every picture has one row, and the ledger adds up.
"""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.ledger import LedgerStore
from storage.ledger_account import LedgerFigures
from storage.migrate import current, head_revision
from tests.chart.pictures import CameraPc
from tests.chart.pod_process import BIN, PodProcess
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
NEXT_REVISION = "9999"
ROOMS = ("connectors", "dashboard", "lineside", "models", "stream", "wire")
MIGRATION = '''"""A table that only the next version has."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("rehearsal", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("rehearsal")
'''


def next_version(folder: Path) -> Path:
    """The product with another version number, which its results name as their software, and one migration more."""
    folder.mkdir(parents=True)
    for room in ROOMS:
        (folder / room).symlink_to(REPOSITORY / room)
    shutil.copytree(REPOSITORY / "storage", folder / "storage")
    migration = MIGRATION.format(revision=NEXT_REVISION, before=head_revision())
    (folder / "storage" / "migrations" / "versions" / f"{NEXT_REVISION}_rehearsal.py").write_text(migration)
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

    def run(self, job: str, **changes: Any) -> None:
        """Run a job to its end."""
        pod = self.start("Job", job, **changes)
        wait_until(lambda: not pod.is_alive, 120, lambda: f"{pod.name} to end\n{pod.log_tail()}")
        assert pod.status == 0, pod.log_tail()

    def migrate_back(self, version: Path) -> None:
        """What a person does before a rollback, in a pod of the version that knows the way."""
        subprocess.run(
            [BIN / "lineside", "migrate", "--to", head_revision()],
            check=True,
            env={**os.environ, "PYTHONPATH": str(version), "LINESIDE_DATABASE": self._database},
        )

    def revision(self) -> str | None:
        return current(self._database)

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

    def replace(self, old: Sequence[PodProcess], name: str, **changes: Any) -> None:
        """One pod after the other, the new one ready before the old one goes, while pictures come."""
        for number, before in enumerate(old):
            self.deliver()  # while the new one starts
            self.start_ready("Deployment", "-inspect", pod_name=f"{name}-{number}", **changes)
            self.deliver()  # to both, side by side
            self.until_all_used()
            self.deliver()  # is on its way when the old one is told to end
            before.terminate()
            assert before.status == 0, before.log_tail()

    def running(self, name: str) -> list[PodProcess]:
        return [pod for pod in self._started if pod.is_alive and pod.name.startswith(name)]

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


def test_a_rolling_update_and_its_rollback_keep_every_frame(site: Site) -> None:
    site.run("-migrate")
    site.run("-topics")
    site.start("Deployment", "-store")
    for line in LINES:
        site.start("StatefulSet", f"-{short_name(line)}")
    old = [site.start_ready("Deployment", "-inspect", pod_name=f"inspect-old-{number}") for number in range(REPLICAS)]
    site.deliver()
    site.until_all_used()

    updated = next_version(site.folder / "next")
    site.run("-migrate", pod_name="migrate-new", python_path=updated)
    assert site.revision() == NEXT_REVISION
    site.replace(old, "inspect-new", python_path=updated)
    site.deliver()
    site.until_all_used()

    new = site.running("inspect-new")
    site.migrate_back(updated)
    assert site.revision() == head_revision()
    site.replace(new, "inspect-back")
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
    assert versions["0.1.0"] >= 2 * STEP * len(LINES)  # before the update, and after the rollback
    assert versions["0.2.0"] >= STEP * len(LINES)  # between them
