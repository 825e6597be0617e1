"""Frames that are held back longer than their parts wait: every part is as complete as the plant made it."""

import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.ledger import LedgerStore
from storage.lines import LineRegistry
from tests.components.waiting import wait_until_async
from tests.pipeline.stream.line_connector import LineConnector
from tests.pipeline.stream.worker_in_process import WorkerInProcess
from tests.unit.connectors.memory_payloads import MemoryPayloads
from tests.unit.stream.made_records import LINE, SPEC, context_event, frame_event
from tests.unit.stream.sabotage import Sabotage
from wire.image_codec import encode_png
from wire.inspection import Inspection
from wire.kafka.settings import KafkaSettings

pytestmark = pytest.mark.slow

DEADLINE_S = 60.0
WINDOW_S = 0.5
# 27 kB that no compression makes smaller: eighty of them exceed what the guard lets lie unread.
PICTURE = encode_png(np.random.default_rng(1).integers(0, 256, (90, 300), dtype=np.uint8))
PARTS = 120


@pytest.fixture(autouse=True)
def _lines(database: Database) -> None:
    spec = SPEC.model_copy(update={"expected_modalities": ("rgb",), "join_window_s": WINDOW_S})
    LineRegistry(database).upsert(spec)


def rows(database: Database) -> list[Inspection]:
    return [item.inspection for item in History(database).page(HistoryFilter(line=LINE), limit=1000).items]


async def beat_beyond_the_window(*connectors: LineConnector) -> None:
    """Heartbeats go on until the deadline of everything published so far has passed in the broker's time."""
    end_s = time.monotonic() + 2 * WINDOW_S

    def passed() -> bool:
        for connector in connectors:
            connector.beat()
        return time.monotonic() > end_s

    await wait_until_async(passed, 10, "the window to pass", interval_s=0.1)


async def check(database: Database, *connectors: LineConnector) -> None:
    """Each part has one complete row, and nothing was late."""

    def is_settled() -> bool:
        for connector in connectors:
            connector.beat()
        account = LedgerStore(database).read().line(LINE)
        captured = sum(connector.captured for connector in connectors)
        return account is not None and account.totals.used + account.totals.late == captured

    await wait_until_async(is_settled, DEADLINE_S, "the ledger to settle", interval_s=0.2)
    found = rows(database)
    assert len(found) == PARTS
    assert [row.part_id for row in found if row.is_partial] == []
    account = LedgerStore(database).read().line(LINE)
    assert account is not None
    totals = account.totals
    assert (totals.late, totals.unaccounted, totals.lost_in_broker, totals.unbalanced) == (0, 0, 0, 0)


async def test_line_that_outruns_its_worker_is_held_back_with_image_and_context_together(
    tmp_path: Path, database: Database, broker: KafkaSettings
) -> None:
    """The guard of the embedded broker refuses until the worker comes, seconds after the parts' deadlines."""
    payloads = MemoryPayloads()
    worker = WorkerInProcess(payloads, database, broker, Sabotage())
    with ExitStack() as opened:
        line = LineConnector(tmp_path / "line", broker, payloads, inline_limit_bytes=broker.inline_limit_bytes)
        opened.callback(line.close)
        for number in range(PARTS):
            line.capture([context_event(number), frame_event(number, payload=PICTURE)])
        await wait_until_async(lambda: line.spooled, DEADLINE_S, "the guard to hold the line back")
        await beat_beyond_the_window(line)
        assert line.spooled
        async with worker.running():
            await check(database, line)


async def test_camera_whose_object_store_is_away_is_waited_for(
    tmp_path: Path, database: Database, broker: KafkaSettings
) -> None:
    """The PLC has a connector of its own and goes on; the camera says in its heartbeats what it holds."""
    store, way_to_store = MemoryPayloads(), MemoryPayloads()
    way_to_store.stored = store.stored
    way_to_store.away = True
    worker = WorkerInProcess(store, database, broker, Sabotage())
    with ExitStack() as opened:
        camera = LineConnector(tmp_path / "camera", broker, way_to_store, inline_limit_bytes=0)
        opened.callback(camera.close)
        plc = LineConnector(tmp_path / "plc", broker, store, inline_limit_bytes=0)
        opened.callback(plc.close)
        async with worker.running():
            plc.capture([context_event(number) for number in range(PARTS)])
            camera.capture([frame_event(number, payload=PICTURE) for number in range(PARTS)])
            await wait_until_async(lambda: camera.spooled == PARTS, DEADLINE_S, "the camera to spool")
            await beat_beyond_the_window(camera, plc)
            way_to_store.away = False
            await check(database, camera, plc)
