"""A line moves to another Kafka, database and object store, as helm/operations/backup.md says."""

from pathlib import Path

import numpy as np
import pytest

from storage.backup import back_up, restore
from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.objects import open_payload_store
from tests.components.waiting import wait_until_async
from tests.pipeline.stream.mixed_stream import MixedStream, check_ledger, check_rows, ledger_is_settled
from tests.pipeline.stream.worker_in_process import WorkerInProcess
from tests.unit.stream.made_records import BEGIN, LINE, SPEC, activation_event
from tests.unit.stream.sabotage import Sabotage
from tests.unit.stream.scripted_inspector import ScriptedInspector
from wire import topics
from wire.cloudevents import CloudEvent
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings
from wire.line_state import LineState, StateMetadata

pytestmark = pytest.mark.slow

DEADLINE_S = 60.0
PARTS = 40
TENSORS = {"rgb.bank": np.arange(6, dtype=np.float32).reshape(2, 3)}


def memory() -> LineState:
    """What the line has learned before it moves."""
    metadata = StateMetadata(
        line=LINE, product="bolt", version=0, recipe="scripted", model_digest=ScriptedInspector.digest, spec=SPEC,
        calibrations={}, references=(), digest="", created_at=BEGIN,
    )  # fmt: skip
    return LineState(metadata=metadata, tensors=TENSORS)


def until_beat(events: list[CloudEvent], number: int) -> int:
    """The place behind the heartbeat of this number."""
    return [place for place, event in enumerate(events) if event.type == topics.HEARTBEAT][number - 1] + 1


def send_all(sender: KafkaSender, events: list[CloudEvent]) -> None:
    for event in events:
        sender.send(topics.FRAMES, LINE, event, lambda _: None)
    assert sender.flush(10) == 0


async def test_a_line_that_moves_keeps_history_memory_and_a_ledger_that_adds_up(
    tmp_path: Path, database: Database, database_url: str, broker: KafkaSettings, sender: KafkaSender
) -> None:
    LineRegistry(database).upsert(SPEC.model_copy(update={"join_window_s": 1.0}))
    payloads = open_payload_store(f"file://{tmp_path}/old-objects")
    version = LineStateStore(database, payloads).add(memory(), parent=None, reason="learned", by="engineer").version
    stream, before = MixedStream(PARTS), MixedStream(PARTS)
    events = list(stream.events())
    # Half of the parts; one part's depth image is still in the connector's spool when the line stops.
    half = until_beat(events, PARTS // 10 // 2 * 3)
    for _ in zip(range(half), before.events(), strict=False):
        pass  # so that it knows what was sent

    async with WorkerInProcess(payloads, database, broker, Sabotage(), cluster="old").running():
        send_all(sender, [activation_event(version), *events[:half]])
        await wait_until_async(lambda: ledger_is_settled(database, before), DEADLINE_S, "the old site", interval_s=0.2)
    back_up(database_url, payloads, tmp_path / "backup")

    new_url = f"sqlite:///{tmp_path}/new/lineside.db"
    new_payloads = open_payload_store(f"file://{tmp_path}/new-objects")
    restore(tmp_path / "backup", new_url, new_payloads)
    new_database = Database(new_url)
    with EmbeddedBroker(topics.with_dead_letters(), 4) as elsewhere:
        new_broker = KafkaSettings(bootstrap=elsewhere.bootstrap, embedded=True)
        with KafkaSender(new_broker, "plant") as new_sender:
            async with WorkerInProcess(new_payloads, new_database, new_broker, Sabotage(), cluster="new").running():
                send_all(new_sender, events[half:])
                await wait_until_async(
                    lambda: ledger_is_settled(new_database, stream), DEADLINE_S, "the new site", interval_s=0.2
                )
    check_rows(new_database, stream)
    check_ledger(new_database)
    versions = {
        stored.inspection.part_id: stored.inspection.provenance.state_version
        for stored in History(new_database).page(HistoryFilter(), PARTS * 2).items
    }
    assert versions == dict.fromkeys((f"P{number}" for number in range(PARTS)), version)
    loaded = LineStateStore(new_database, new_payloads).load(LINE, "bolt", version)
    assert np.array_equal(loaded.tensors["rgb.bank"], TENSORS["rgb.bank"])
    new_database.close()
