"""store: results and reports into SQL.

Effects, per batch, in this order (DESIGN §3); each has a test that breaks just there:

1. one transaction of upserts; what cannot be read goes to the dead letter queue, delivery awaited
2. commit
3. acknowledge
4. metrics, counted on rows newly inserted

While the database is away the batch is tried again in place, for minutes; then the process ends, and the next one reads
the batch again.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from storage.ledger import LedgerStore
from storage.result_batch import ResultBatch, WriteCounts
from storage.results import ResultSink
from stream.agents.agent import Progress
from stream.metrics.store import StoreMetrics
from stream.outbox import Outbox
from stream.patience import insist_in_thread
from stream.settings import StoreLimits
from stream.steps.consumed import ConsumedRecord
from wire import topics
from wire.cloudevents import from_kafka
from wire.errors import BadInput, DatabaseUnavailable, DecodeError
from wire.inspection import Inspection, Report
from wire.ledger import BrokerLoss, Disposition, Heartbeat

_log = structlog.get_logger(__name__)


@dataclass
class _Sorted:
    """A batch's messages by kind, and the records that are none."""

    inspections: list[Inspection] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)  # what the inspections were read from
    reports: list[Report] = field(default_factory=list)
    dispositions: list[Disposition] = field(default_factory=list)
    heartbeats: list[Heartbeat] = field(default_factory=list)
    losses: list[BrokerLoss] = field(default_factory=list)
    unreadable: list[tuple[ConsumedRecord, BadInput]] = field(default_factory=list)

    def add(self, record: ConsumedRecord) -> None:
        """Read one record."""
        try:
            event = from_kafka(record.headers, record.value)
            match event.type:
                case topics.INSPECTION_RESULT:
                    self.inspections.append(Inspection.from_json(event.data))
                    self.documents.append(event.data)
                case topics.INSPECTION_REPORT:
                    self.reports.append(Report.from_json(event.data))
                case topics.EVENT_DISPOSITION:
                    self.dispositions.append(Disposition.from_json(event.data))
                case topics.HEARTBEAT:
                    self.heartbeats.append(Heartbeat.from_json(event.data))
                case topics.BROKER_LOSS:
                    self.losses.append(BrokerLoss.from_json(event.data))
                case _:
                    raise DecodeError("event_type", f"{event.type!r} has no place in the store")
        except DecodeError as failure:
            self.unreadable.append((record, failure))

    def batch(self) -> ResultBatch:
        """What one transaction writes."""
        return ResultBatch(
            inspections=self.inspections,
            documents=self.documents,
            reports=self.reports,
            dispositions=self.dispositions,
            heartbeats=self.heartbeats,
            losses=self.losses,
        )


class StoreAgent:
    """The store role. Everything it talks to is passed in; one instance per process."""

    group = topics.GROUP_STORE
    topics = (topics.RESULTS, topics.REPORTS)

    def __init__(
        self, *, sink: ResultSink, ledger: LedgerStore, outbox: Outbox, limits: StoreLimits, metrics: StoreMetrics
    ) -> None:
        self.max_take = limits.max_batch
        self._sink = sink
        self._ledger = ledger
        self._outbox = outbox
        self._limits = limits
        self._metrics = metrics
        # Reading JSON and writing SQL in one thread: batches stay in order, and the loop stays free.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-sql")
        self._auditor = ThreadPoolExecutor(1, thread_name_prefix="ledger-sql")
        self._progress: Progress | None = None

    async def run(self, progress: Progress) -> None:
        """Measure the ledger now and then, until cancelled."""
        self._progress = progress
        try:
            while True:
                with suppress(DatabaseUnavailable):  # the next round measures again
                    await asyncio.get_running_loop().run_in_executor(self._auditor, self._measure_ledger)
                await asyncio.sleep(self._limits.ledger_every_s)
        finally:
            self.close()

    def close(self) -> None:
        """Let the running transaction end; begin no other."""
        self._writer.shutdown(wait=False, cancel_futures=True)
        self._auditor.shutdown(wait=False, cancel_futures=True)

    async def take(self, records: Sequence[ConsumedRecord]) -> None:
        """Write one batch."""
        arrived = await asyncio.get_running_loop().run_in_executor(self._writer, _sort, records)
        for record, failure in arrived.unreadable:  # 1
            await self._outbox.quarantine(record, failure)
            self._metrics.dead_letters.labels(failure.reason).inc()
        begun = time.perf_counter()
        self._metrics.transaction_age.set_function(lambda: time.perf_counter() - begun)
        counts: WriteCounts = await insist_in_thread(  # 1 and 2
            self._writer, lambda: self._sink.write(arrived.batch()), patience_s=self._limits.patience_s
        )
        self._metrics.transaction_age.set_function(lambda: 0.0)
        self._metrics.commit.observe(time.perf_counter() - begun)
        if self._progress is not None:  # 3
            for record in records:
                self._progress.acknowledge(record.topic, record.partition, record.epoch, [record.offset])
        self._measure(counts)  # 4

    def revoked(self, epoch: int) -> None:
        """Nothing is held between batches."""

    def assigned(self, epoch: int) -> None:
        """Nothing to prepare."""

    def _measure(self, counts: WriteCounts) -> None:
        for inspection in counts.inserted:
            self._metrics.inspections.labels(inspection.line, inspection.verdict.value).inc()
            if inspection.processing.captured_first_at is not None:
                passed_s = (counts.stored_at - inspection.processing.captured_first_at).total_seconds()
                self._metrics.end_to_end.labels(inspection.line).observe(max(0.0, passed_s))
        for line, redelivered in counts.redelivered_by_line.items():
            self._metrics.redelivered.labels(line).inc(redelivered)

    def _measure_ledger(self) -> None:
        for account in self._ledger.read().lines:
            self._metrics.unaccounted.labels(account.line).set(account.totals.unaccounted)
            self._metrics.waiting.labels(account.line).set(account.totals.waiting)
            self._metrics.gap.labels(account.line).set(account.totals.gap)


def _sort(records: Sequence[ConsumedRecord]) -> _Sorted:
    arrived = _Sorted()
    for record in records:
        arrived.add(record)
    return arrived
