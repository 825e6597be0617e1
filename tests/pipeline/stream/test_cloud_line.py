"""A 3D sensor's line as its own processes: files in a folder, connector, Kafka, worker, SQL, and the part's picture."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from dashboard.pictures import displayable
from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.ledger import LedgerStore
from storage.ledger_account import LedgerFigures
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.objects import open_payload_store
from tests.components.requirement import require
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, CameraPc, ConnectorProcess
from tests.pipeline.stream.worker_process import start_worker
from wire import topics
from wire.finding import ModalityState, Verdict
from wire.frame import POINTCLOUD
from wire.inspection import EvidenceKind, Inspection
from wire.kafka.reader import read_topic
from wire.kafka.settings import KafkaSettings
from wire.line_state import LineSpec
from wire.payload_store import PayloadStore

# The worker loads torch: seconds on a free machine, half a minute on two busy cores.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DEADLINE_S = 120.0
SENSOR = f"{LINE}/sensor3d"
LEARNING_PARTS = 8
BEGIN = datetime(2026, 3, 4, 5, 0, tzinfo=UTC)
# 64 x 48 points of a slanted plate, 400 to 480 mm away; a dent of 6 mm is 20 times its roughness.
WIDTH, HEIGHT, ROUGHNESS_MM = 64, 48, 0.3
DENT_MM, DENT_ROW, DENT_COLUMN = 6.0, 20, 40


def cloud_file(folder: Path, number: int, *, ending: str, dented: bool = False) -> bytes:
    """A part as the 3D sensor's program writes it: in m, by a writer that is not ours."""
    import open3d

    row, column = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    depth = 400 + column + 0.3 * row + np.random.default_rng(number).normal(0, ROUGHNESS_MM, row.shape)
    if dented:
        depth += DENT_MM * (np.hypot(row - DENT_ROW, column - DENT_COLUMN) < 6)
    points = np.stack([column, row, depth], axis=2).reshape(-1, 3) / 1000
    path = folder / f"written.{ending}"
    assert open3d.io.write_point_cloud(str(path), open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points)))
    return path.read_bytes()


class Sensor:
    """The sensor's PC: numbers its parts, and remembers what it delivered broken."""

    def __init__(self, folder: Path) -> None:
        self._scratch = folder
        self.pc = CameraPc(folder / "delivered")
        self.delivered = 0
        self.broken: list[bytes] = []

    def deliver(self, kinds: Sequence[str]) -> None:
        for kind in kinds:
            ending = ("ply", "pcd")[self.delivered % 2]
            data = cloud_file(self._scratch, self.delivered, ending=ending, dented=kind == "dented")
            if kind == "broken":
                data = {"ply": data[: len(data) // 2], "pcd": b"# .PCD v0.7 and then the disk was full\n"}[ending]
                self.broken.append(data)
            at = (BEGIN + timedelta(seconds=self.delivered)).isoformat()
            self.pc.deliver(
                self.delivered, data, ending=ending, captured_at=at, triggered_at=at,
                part_id=f"{kind}-{self.delivered}", trigger_session="plc-1",
            )  # fmt: skip
            self.delivered += 1


def figures(database: Database) -> LedgerFigures:
    account = LedgerStore(database).read().line(LINE)
    return LedgerFigures() if account is None else account.totals


def inspected(database: Database) -> dict[str, Inspection]:
    """By part."""
    page = History(database).page(HistoryFilter(line=LINE), limit=100)
    return {stored.inspection.part_id: stored.inspection for stored in page.items}


@pytest.fixture
def payloads(tmp_path: Path) -> Iterator[PayloadStore]:
    (tmp_path / "objects").mkdir()
    store = open_payload_store(f"file://{tmp_path}/objects")
    yield store
    store.close()


def test_clouds_in_a_folder_become_verdicts_and_pictures_and_broken_ones_dead_letters(
    tmp_path: Path, database_url: str, database: Database, broker: KafkaSettings, payloads: PayloadStore
) -> None:
    require("open3d")
    LineRegistry(database).upsert(
        LineSpec(line=LINE, expected_modalities=(POINTCLOUD,), learning_parts=LEARNING_PARTS, expects_context=False)
    )
    sensor = Sensor(tmp_path)
    source = {"source": SENSOR, "watch": str(sensor.pc.folder), "attributes": {"pointscale": "1000"}}
    worker = start_worker(tmp_path, database_url, broker, name="worker", roles="inspect,store,build")
    with ConnectorProcess("camera", tmp_path, bootstrap=broker.bootstrap, sources=[source]) as connector:
        sensor.deliver([*["good"] * 4, "broken", *["good"] * 4])
        wait_until(
            lambda: LineStateStore(database, payloads).active(LINE, "") == 1,
            DEADLINE_S,
            lambda: f"the line to have learned\n{worker.log_tail()}",
        )
        sensor.deliver(["good", "broken", "dented", "good", "dented", "broken"])
        wait_until(lambda: len(inspected(database)) == 15, DEADLINE_S, lambda: f"rows\n{worker.log_tail()}")
        connector.stop()
    wait_until(lambda: figures(database).published == 15, DEADLINE_S, lambda: f"{figures(database)}")
    worker.stop(deadline_s=10)

    ledger = figures(database)
    assert (ledger.captured, ledger.used, ledger.quarantined, ledger.waiting) == (15, 12, {"pointcloud": 3}, 0)
    assert ledger.adds_up
    rows = inspected(database)
    clouds = {part: next(each for each in row.modalities if each.modality == POINTCLOUD) for part, row in rows.items()}
    for part in ("good-9", "good-12"):
        assert (rows[part].verdict, clouds[part].verdict) == (Verdict.OK, Verdict.OK)
    for part in ("broken-4", "broken-10", "broken-14"):
        assert (rows[part].verdict, clouds[part].state) == (Verdict.UNKNOWN, ModalityState.QUARANTINED)
    assert [letter.value for letter in read_topic(broker, topics.dlq(topics.FRAMES))] == sensor.broken
    for part in ("dented-11", "dented-13"):
        assert (rows[part].verdict, clouds[part].verdict) == (Verdict.DEFECT, Verdict.DEFECT)
        assert clouds[part].shots == LEARNING_PARTS
        check_picture(rows[part], payloads)


def check_picture(row: Inspection, payloads: PayloadStore) -> None:
    """The cloud can be shown, and the one region found on its picture is the dent."""
    (region,) = row.regions
    cloud = next(each for each in row.evidence if each.kind is EvidenceKind.IMAGE)
    shown, content_type = displayable(cloud, payloads.get(cloud.ref), threshold=None)
    assert (cloud.modality, content_type) == (POINTCLOUD, "image/png")
    pixels = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = region.xyxy_px
    middle = (x0 + x1) / 2 / width, (y0 + y1) / 2 / height
    assert middle == pytest.approx((DENT_COLUMN / WIDTH, DENT_ROW / HEIGHT), abs=0.06)
