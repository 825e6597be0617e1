"""describe: flagged results in, one report per inspection out; never in the way of a verdict.

Effects, in this order (DESIGN §3):

1. the job persisted in SQL
2. acknowledge
3. under a lease: the report written, produced and acknowledged by the broker
4. the job finished
5. metrics
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

from models.report import template
from storage.jobs import Job, JobStore
from stream.agents.agent import Progress
from stream.job_loop import JobLoop
from stream.metrics.describe import DescribeMetrics
from stream.outbox import Outbox
from stream.patience import insist_in_thread
from stream.settings import BuildLimits
from stream.steps.consumed import ConsumedRecord
from wire import topics
from wire.cloudevents import from_kafka
from wire.errors import DecodeError
from wire.finding import Verdict
from wire.inspection import Inspection, Report

_KIND = "describe"
# A template takes no time; a language model will take its own batch size.
_JOBS_PER_LEASE = 16


class DescribeAgent:
    """The describe role. Everything it talks to is passed in; one instance per process."""

    group = topics.GROUP_DESCRIBE
    topics = (topics.RESULTS,)
    max_take = 200

    def __init__(
        self,
        *,
        jobs: JobStore,
        outbox: Outbox,
        owner: str,
        limits: BuildLimits,
        patience_s: float,
        metrics: DescribeMetrics,
    ) -> None:
        self._jobs = jobs
        self._outbox = outbox
        self._patience_s = patience_s
        self._metrics = metrics
        self._database = ThreadPoolExecutor(1, thread_name_prefix="describe-sql")
        self._progress: Progress | None = None
        self._loop = JobLoop(
            _KIND,
            jobs,
            self._describe,
            owner=owner,
            lease_s=limits.lease_s,
            poll_s=limits.poll_s,
            limit=_JOBS_PER_LEASE,
            patience_s=patience_s,
        )

    async def run(self, progress: Progress) -> None:
        """Work on jobs until cancelled."""
        self._progress = progress
        try:
            await self._loop.run()
        finally:
            self._database.shutdown(wait=False, cancel_futures=True)

    async def take(self, records: Sequence[ConsumedRecord]) -> None:
        """Persist a job for each flagged inspection among the records."""
        flagged: list[Inspection] = []
        for record in records:
            try:
                inspection = _flagged(record)
            except DecodeError as failure:
                # store reads the same record, and puts it into the dead letter queue.
                self._metrics.dead_letters.labels(failure.reason).inc()
                continue
            if inspection is not None:
                flagged.append(inspection)
        if flagged:
            await insist_in_thread(  # 1
                self._database, partial(self._persist, flagged), patience_s=self._patience_s
            )
            self._loop.wake()
        if self._progress is not None:  # 2
            for record in records:
                self._progress.acknowledge(record.topic, record.partition, record.epoch, [record.offset])

    def revoked(self, epoch: int) -> None:
        """Nothing is held between batches."""

    def assigned(self, epoch: int) -> None:
        """Nothing to prepare."""

    def _persist(self, inspections: Sequence[Inspection]) -> None:
        for inspection in inspections:
            self._jobs.enqueue(
                _KIND,
                str(inspection.inspection_id),
                inspection.line,
                inspection.model_dump(mode="json", by_alias=True),
            )

    async def _describe(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            inspection = Inspection.model_validate(job.payload)
            description = template.describe(inspection)
            report = Report(
                inspection_id=inspection.inspection_id,
                line=inspection.line,
                part_id=inspection.part_id,
                captured_at=inspection.captured_at,
                created_at=datetime.now(UTC),
                reporter=template.NAME,
                summary=description.summary,
                regions=description.regions,
            )
            await self._outbox.put(topics.REPORTS, inspection.line, report.to_event())  # 3; 4 is the loop's
            self._metrics.reports.labels(inspection.line, str(report.fallback).lower()).inc()  # 5


def _flagged(record: ConsumedRecord) -> Inspection | None:
    """The inspection if it is one, and a defect; the verdict in the header spares reading the others' JSON."""
    event = from_kafka(record.headers, record.value)
    if event.type != topics.INSPECTION_RESULT or event.extensions.get("verdict") == Verdict.OK:
        return None
    inspection = Inspection.from_json(event.data)
    return inspection if inspection.verdict is Verdict.DEFECT else None
