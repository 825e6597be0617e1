"""inspect and store in one process, on real Faust and the embedded broker."""

import asyncio
import time
from itertools import islice
from pathlib import Path
from statistics import median

import pytest

from storage.database import Database
from storage.history import History
from storage.lines import LineRegistry
from storage.objects import open_payload_store
from tests.components.group_lag import group_lag
from tests.components.kafka import RealKafka
from tests.components.waiting import wait_until_async
from tests.pipeline.stream.mixed_stream import MixedStream, check_ledger, check_rows, ledger_is_settled, verdicts
from tests.pipeline.stream.worker_in_process import WorkerInProcess
from tests.unit.stream.made_records import LINE, SPEC, context_event, frame_event
from tests.unit.stream.sabotage import Sabotage, Sabotaged
from wire import topics
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.reader import read_topic
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings
from wire.kafka.topics_admin import ensure_topics
from wire.payload_store import PayloadStore

pytestmark = pytest.mark.slow

DEADLINE_S = 60.0
SYNC_GROUP = 14  # api key
INVALID_REQUEST = 42


def send_all(sender: KafkaSender, stream: MixedStream) -> None:
    for event in stream.events():
        sender.send(topics.FRAMES, LINE, event, lambda _: None)
    assert sender.flush(10) == 0


def objects(folder: Path) -> PayloadStore:
    return open_payload_store(f"file://{folder}/objects")


@pytest.fixture
def lines(database: Database) -> LineRegistry:
    lines = LineRegistry(database)
    lines.upsert(SPEC.model_copy(update={"join_window_s": 1.0}))
    return lines


async def test_bad_day_leads_to_one_row_per_part_and_a_ledger_that_adds_up(
    tmp_path: Path, database: Database, lines: LineRegistry, broker: KafkaSettings, sender: KafkaSender
) -> None:
    stream = MixedStream(100)
    worker = WorkerInProcess(objects(tmp_path), database, broker, Sabotage())
    async with worker.running():
        send_all(sender, stream)
        await wait_until_async(
            lambda: ledger_is_settled(database, stream), DEADLINE_S, "the ledger to settle", interval_s=0.2
        )
        assert not worker.crashed
    check_rows(database, stream)
    check_ledger(database)
    letters = {letter.value for letter in read_topic(broker, topics.dlq(topics.FRAMES))}
    assert letters == {*stream.corrupt_payloads(), b""}
    lag = group_lag(broker, topics.GROUP_INSPECT, topics.FRAMES)
    assert sum(partition.messages for partition in lag) == 0


@pytest.mark.parametrize("call", [1, 3])
async def test_worker_that_dies_in_the_detector_is_followed_by_one_that_completes_the_work(
    tmp_path: Path, database: Database, lines: LineRegistry, broker: KafkaSettings, sender: KafkaSender, call: int
) -> None:
    stream = MixedStream(40)
    send_all(sender, stream)
    doomed = WorkerInProcess(objects(tmp_path), database, broker, Sabotage({("inspect", call): Sabotaged("detector")}))
    async with doomed.running():
        await wait_until_async(lambda: doomed.crashed, DEADLINE_S, "the worker to die")
    worker = WorkerInProcess(objects(tmp_path), database, broker, Sabotage())
    async with worker.running():
        await wait_until_async(
            lambda: ledger_is_settled(database, stream), DEADLINE_S, "the ledger to settle", interval_s=0.2
        )
    check_rows(database, stream)
    check_ledger(database)


async def test_stop_commits_the_acknowledged_prefix_and_drops_what_is_held(
    tmp_path: Path, database: Database, broker: KafkaSettings, sender: KafkaSender
) -> None:
    LineRegistry(database).upsert(SPEC.model_copy(update={"join_window_s": 1000.0}))
    complete = [event for n in range(5) for event in (frame_event(n), frame_event(n, "depth"), context_event(n))]
    for event in (*complete, frame_event(5), *(frame_event(6, m) for m in ("rgb", "depth")), context_event(6)):
        sender.send(topics.FRAMES, LINE, event, lambda _: None)
    assert sender.flush(10) == 0
    worker = WorkerInProcess(objects(tmp_path), database, broker, Sabotage())
    async with worker.running():
        await wait_until_async(
            lambda: sum(History(database).verdict_counts(LINE).values()) == 6, DEADLINE_S, "six rows", interval_s=0.2
        )
    committed = [lag.committed for lag in group_lag(broker, topics.GROUP_INSPECT, topics.FRAMES) if lag.end]
    assert committed == [15]


async def test_consumer_that_aiokafka_parked_is_freed_by_the_watchdog(
    tmp_path: Path, database: Database, lines: LineRegistry, embedded: EmbeddedBroker, broker: KafkaSettings,
    sender: KafkaSender,
) -> None:  # fmt: skip
    embedded.push_request_errors(SYNC_GROUP, [INVALID_REQUEST, INVALID_REQUEST])
    stream = MixedStream(10)
    send_all(sender, stream)
    worker = WorkerInProcess(objects(tmp_path), database, broker, Sabotage())
    async with worker.running():
        await wait_until_async(
            lambda: ledger_is_settled(database, stream), DEADLINE_S, "the ledger to settle", interval_s=0.2
        )
    revived = sum(
        worker.registry.get_sample_value("worker_watchdog_revived_total", {"group": group.name}) or 0
        for group in worker.groups
    )
    assert revived >= 1
    check_rows(database, stream)


async def test_bad_day_on_a_real_kafka(
    tmp_path: Path, database: Database, lines: LineRegistry, own_kafka: RealKafka
) -> None:
    """Broker timestamps, rebalances and commits of the real thing; the sender's batches span many parts."""
    broker = KafkaSettings(bootstrap=own_kafka.bootstrap)
    ensure_topics(broker, 4)
    stream = MixedStream(100)
    worker = WorkerInProcess(objects(tmp_path), database, broker, Sabotage())
    with KafkaSender(broker, "plant") as sender:
        async with worker.running():
            send_all(sender, stream)
            await wait_until_async(
                lambda: ledger_is_settled(database, stream), DEADLINE_S, "the ledger to settle", interval_s=0.2
            )
    check_rows(database, stream)
    check_ledger(database)
    committed = [lag.messages for lag in group_lag(broker, topics.GROUP_INSPECT, topics.FRAMES)]
    assert sum(committed) == 0


async def test_broker_that_is_away_for_a_while_delays_and_loses_nothing(
    tmp_path: Path, database: Database, lines: LineRegistry, own_kafka: RealKafka
) -> None:
    broker = KafkaSettings(bootstrap=own_kafka.bootstrap)
    ensure_topics(broker, 4)
    stream = MixedStream(60)
    worker = WorkerInProcess(objects(tmp_path), database, broker, Sabotage())
    with KafkaSender(broker, "plant") as sender:
        async with worker.running():
            events = iter(stream.events())
            for event in islice(events, 100):
                sender.send(topics.FRAMES, LINE, event, lambda _: None)
            await wait_until_async(
                lambda: sum(History(database).verdict_counts(LINE).values()) > 5, DEADLINE_S, "rows", interval_s=0.2
            )
            await asyncio.to_thread(own_kafka.restart)
            for event in events:
                sender.send(topics.FRAMES, LINE, event, lambda _: None)
            await wait_until_async(
                lambda: ledger_is_settled(database, stream), DEADLINE_S, "the ledger to settle", interval_s=0.2
            )
            assert not worker.crashed
    # A part whose events lie before and after the outage may be closed between them: partial, and still one row.
    verdicts(database, stream)
    check_ledger(database)


async def test_part_is_stored_within_a_second_of_its_last_frame(
    tmp_path: Path, database: Database, lines: LineRegistry, broker: KafkaSettings, sender: KafkaSender
) -> None:
    """What an operator waits for, both hops through the broker included."""
    worker = WorkerInProcess(objects(tmp_path), database, broker, Sabotage())
    history = History(database)
    passed_s = []
    async with worker.running():
        for number in range(6):
            begun = time.monotonic()
            for event in (frame_event(number), frame_event(number, "depth"), context_event(number)):
                sender.send(topics.FRAMES, LINE, event, lambda _: None)
            await wait_until_async(
                lambda expected=number + 1: sum(history.verdict_counts(LINE).values()) == expected,
                DEADLINE_S,
                "the part's row",
            )
            passed_s.append(time.monotonic() - begun)
    assert median(passed_s[1:]) < 1.0
