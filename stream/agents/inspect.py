"""inspect: frames in, one result per part out.

Effects, in this order (DESIGN §3); each has a test that breaks just there:

1. resolve and decode; what cannot be understood goes to the dead letter queue, delivery awaited, then its disposition
2. join events into parts; a part is due when it is complete, or when the partition's watermark passes its deadline and
   no source says that it still holds back what the part misses
3. run the detector in its one thread, parts of many lines in one batch, while the next records are decoded
4. evidence durable in the object store
5. result produced and acknowledged by the broker
6. acknowledge, per partition, the prefix of consumed records that is done; heartbeats are settled when it passes them
7. metrics

While broker, object store or database are away, the effect is tried again in place for a bounded time; then the
process ends, and the next one begins at the committed offset.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import structlog

from storage.line_states import LineStateStore
from stream.agents.agent import LogEnds, Progress
from stream.agents.event_outcomes import EventOutcomes
from stream.agents.frame_partition import FramePartition
from stream.agents.state_choice import StateChoice
from stream.evidence_writer import EvidenceWriter
from stream.frame_reader import FrameReader
from stream.line_specs import LineSpecs
from stream.line_states import LineStates
from stream.line_words import LineWords
from stream.metrics.inspect import InspectMetrics
from stream.model_thread import ModelThread
from stream.outbox import Outbox
from stream.patience import insist, insist_in_thread
from stream.settings import InspectLimits
from stream.steps.arrival import ActivationArrival, AnyArrival, Arrival, HeartbeatArrival, Unreadable
from stream.steps.consumed import ConsumedRecord
from stream.steps.joiner import Placement
from stream.steps.offset_holes import OffsetHole, check_lost
from stream.steps.open_part import DuePart
from stream.steps.part_view import to_part
from stream.steps.result import Maker, Timing, assemble
from stream.work_gate import WorkGate
from wire import topics
from wire.errors import BadInput, BrokerUnavailable, DatabaseUnavailable
from wire.finding import Finding
from wire.inspection import Inspection
from wire.ledger import Heartbeat, HeartbeatStage, Outcome
from wire.line_state import LineSpec, LineState
from wire.part import Part

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

# How often a silent partition is looked at, and with it how late a part of a dead plant may be closed.
_TICK_S = 0.5
# How often the broker is asked for the lag: a scrape interval or less.
_LAG_EVERY_S = 5.0
# Batches whose evidence and results are on their way while the next one is in the detector.
_FINISHING_BATCHES = 2
# Batches of parts between due and finished at most, however small their pictures. More: a worker's memory depends on
# how much waits in Kafka. Fewer: after a slow decode or a slow put the detector has no work.
_BATCHES_IN_WORK = 8
# A disposition without payload still weighs something, so that a flood of them waits for the broker.
_DISPOSITION_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class _Work:
    """A due part on its way through effects 3 to 7."""

    partition: FramePartition
    due: DuePart
    part: Part | None
    state: LineState | None
    due_at: float  # monotonic
    started: datetime
    size: int


class InspectAgent:
    """The inspect role. Everything it talks to is passed in; one instance per process."""

    group = topics.GROUP_INSPECT
    topics = (topics.FRAMES,)
    max_take = 32

    def __init__(
        self,
        *,
        reader: FrameReader,
        specs: LineSpecs,
        words: LineWords,
        states: LineStates,
        state_store: LineStateStore,
        model: ModelThread,
        evidence: EvidenceWriter,
        outbox: Outbox,
        log_ends: LogEnds,
        cluster: str,
        maker: Maker,
        limits: InspectLimits,
        patience_s: float,
        metrics: InspectMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._specs = specs
        self._words = words
        self._state_store = state_store
        self._model = model
        self._evidence = evidence
        self._outbox = outbox
        self._outcomes = EventOutcomes(outbox, metrics)
        self._log_ends = log_ends
        self._cluster = cluster
        self._maker = maker
        self._limits = limits
        self._patience_s = patience_s
        self._metrics = metrics
        self._clock = clock
        self._decoders = ThreadPoolExecutor(limits.decode_threads, thread_name_prefix="decode")
        self._writers = ThreadPoolExecutor(limits.evidence_threads, thread_name_prefix="evidence")
        self._database = ThreadPoolExecutor(2, thread_name_prefix="inspect-sql")
        self._states = StateChoice(
            states, cluster=cluster, database=self._database, patience_s=patience_s, metrics=metrics
        )
        self._gate = WorkGate(limits.work_bytes, limit_items=_BATCHES_IN_WORK * limits.max_batch)
        self._ready: asyncio.Queue[_Work] = asyncio.Queue()
        self._finishing = asyncio.Semaphore(_FINISHING_BATCHES)
        self._ingest = asyncio.Lock()
        self._partitions: dict[int, FramePartition] = {}
        self._over: set[int] = set()  # epochs whose records must not be worked on any more
        self._progress: Progress | None = None
        self._tasks: asyncio.TaskGroup | None = None

    # the consumer group's side

    async def run(self, progress: Progress) -> None:
        """Work until cancelled."""
        self._progress = progress
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._inspect_batches())
                tasks.create_task(self._watch_silence())
                tasks.create_task(self._measure_lag())
        finally:
            self._tasks = None
            for pool in (self._decoders, self._writers, self._database):
                pool.shutdown(wait=False, cancel_futures=True)
            self._states.close()
            self._model.close()

    async def take(self, records: Sequence[ConsumedRecord]) -> None:
        """Decode records a few ahead, and place them one by one in the order of their offsets."""
        async with self._ingest:
            async for record, arrival in self._read_ahead(records):
                if record.epoch not in self._over:
                    await self._arrive(record, arrival)
            self._metrics.held_bytes.set(self._held_bytes() + self._gate.used_bytes)

    def revoked(self, epoch: int) -> None:
        """Drop everything held; work in progress ends without acknowledgement."""
        self._over.add(epoch)
        for partition in self._partitions.values():
            partition.alive = False
        self._partitions.clear()
        self._states.forget_assignments()

    def assigned(self, epoch: int) -> None:
        """Take records of this epoch."""
        self._over.discard(epoch)

    # effect 1: resolve and decode

    async def _read_ahead(self, records: Sequence[ConsumedRecord]) -> AsyncIterator[tuple[ConsumedRecord, AnyArrival]]:
        """Records with what they are, in order; as many more are decoded ahead as there are threads to do it."""
        waiting = deque(records)
        reading: deque[tuple[ConsumedRecord, asyncio.Task[AnyArrival]]] = deque()
        try:
            while waiting or reading:
                while waiting and len(reading) <= self._limits.decode_threads:
                    record = waiting.popleft()
                    reading.append((record, asyncio.create_task(self._read(record))))
                record, task = reading.popleft()
                yield record, await task
        finally:
            for _, task in reading:
                task.cancel()

    async def _read(self, record: ConsumedRecord) -> AnyArrival:
        with self._metrics.stage.labels("decode").time():
            return await self._in_thread(self._decoders, self._reader.read, record)

    # effect 2: join

    async def _arrive(self, record: ConsumedRecord, arrival: AnyArrival) -> None:
        partition = self._partition(record)
        is_new, hole = partition.track(record.offset, barrier=isinstance(arrival, HeartbeatArrival))
        if not is_new:
            return
        if hole is not None:
            await self._report_loss(record, arrival, hole, at_start=record.offset == partition.first_offset)
        watermark_s = partition.watermark.observe(record.offset, record.broker_time_s, self._clock())
        if isinstance(arrival, HeartbeatArrival):
            partition.joiner.hear(arrival.heartbeat, record.broker_time_s)
        await self._dispatch(partition, partition.joiner.due(watermark_s))
        match arrival:
            case Arrival():
                await self._place(partition, arrival)
                await self._dispatch(partition, partition.joiner.due(watermark_s))
                await self._bound_memory()
            case HeartbeatArrival():
                self._forward(partition, arrival)
            case ActivationArrival():
                await self._switch_state(partition, arrival)
            case Unreadable():
                await self._aside(
                    partition,
                    record,
                    lambda: self._outcomes.quarantine(record, arrival.line, arrival.event, arrival.failure),
                )

    def _partition(self, record: ConsumedRecord) -> FramePartition:
        partition = self._partitions.get(record.partition)
        if partition is None or partition.epoch != record.epoch:
            if self._progress is None:
                raise RuntimeError("take was called before run")
            partition = self._partitions[record.partition] = FramePartition(
                record.partition,
                record.epoch,
                first_offset=record.offset,
                idle_s=self._limits.idle_s,
                backlog_s=self._limits.backlog_s,
                progress=self._progress,
            )
        return partition

    async def _report_loss(
        self, record: ConsumedRecord, arrival: AnyArrival, hole: OffsetHole, *, at_start: bool
    ) -> None:
        """Name the offsets that the broker dropped; MustStop if it has them and the client skipped them."""

        async def log_start() -> int:
            return (await self._log_ends(record.topic))[record.partition].start

        lost = check_lost(hole, await insist(log_start, patience_s=self._patience_s), at_start=at_start)
        if lost is None:
            _log.warning("offsets without records", partition=record.partition, first=hole.first, last=hole.last)
            return
        await self._outcomes.lost(record, _line_of(arrival), lost)
        _log.error("records lost in the broker", partition=record.partition, first=lost.first, last=lost.last)

    async def _place(self, partition: FramePartition, arrival: Arrival) -> None:
        spec = await self._spec(arrival.line)
        placement = partition.joiner.offer(arrival, spec)
        record, event = arrival.record, arrival.reference()
        if placement is Placement.DUPLICATE:
            self._metrics.frames.labels(arrival.line, arrival.modality or "none", "duplicate").inc()
            await self._finish(partition, [arrival.offset])
        elif arrival.failure is not None:
            # Awaited here: its part may be due at once, and then its offset is acknowledged with the part.
            await self._outcomes.quarantine(record, arrival.line, event, arrival.failure)
            if placement is Placement.BROKEN:
                await self._finish(partition, [arrival.offset])
        elif placement is Placement.SURPLUS:
            failure = BadInput("surplus", f"its part has another {arrival.modality or 'context'} already")
            await self._aside(
                partition, record, lambda: self._outcomes.quarantine(record, arrival.line, event, failure)
            )
        elif placement is Placement.LATE:
            await self._aside(partition, record, lambda: self._outcomes.late(record, arrival.line, event))

    async def _bound_memory(self) -> None:
        """Close the oldest parts while those that wait hold too much."""
        while self._held_bytes() > self._limits.held_bytes:
            partition = min(self._partitions.values(), key=lambda partition: partition.joiner.oldest_s)
            due = partition.joiner.force_oldest()
            if due is None:
                return
            _log.warning("a part was closed early, memory is full", line=due.line, held_bytes=self._held_bytes())
            await self._dispatch(partition, [due])

    def _held_bytes(self) -> int:
        return sum(partition.joiner.held_bytes for partition in self._partitions.values())

    async def _watch_silence(self) -> None:
        """Let time go on in partitions that a dead plant has left with open parts."""
        while True:
            await asyncio.sleep(_TICK_S)
            now = self._clock()
            if not any(p.joiner.open_parts and p.watermark.is_silent(now) for p in self._partitions.values()):
                continue
            try:
                ends = await self._log_ends(topics.FRAMES)
            except BrokerUnavailable:
                continue  # no proof of silence
            async with self._ingest:
                for partition in list(self._partitions.values()):
                    if partition.number in ends:
                        watermark_s = partition.watermark.prove_silence(ends[partition.number].end, now)
                        await self._dispatch(partition, partition.joiner.due(watermark_s))

    def _forward(self, partition: FramePartition, arrival: HeartbeatArrival) -> None:
        """Pass a heartbeat on as seen; it is settled when everything in front of it is done."""
        heartbeat = arrival.heartbeat.model_copy(update={"stage": HeartbeatStage.SEEN, "partition": partition.number})
        self._outbox.post(topics.RESULTS, heartbeat.line, heartbeat.to_event())
        partition.heartbeats[arrival.record.offset] = heartbeat
        self._settle(partition, partition.advance())

    def _settle(self, partition: FramePartition, offsets: Sequence[int]) -> None:
        if offsets:
            self._spawn(self._settle_heartbeats(partition, offsets))

    async def _settle_heartbeats(self, partition: FramePartition, offsets: Sequence[int]) -> None:
        heartbeats = [partition.heartbeats.pop(offset) for offset in offsets]
        await asyncio.gather(*(self._put_settled(heartbeat) for heartbeat in heartbeats))
        await self._finish(partition, offsets)

    async def _put_settled(self, heartbeat: Heartbeat) -> None:
        settled = heartbeat.model_copy(update={"stage": HeartbeatStage.SETTLED})
        await self._outbox.put(topics.RESULTS, settled.line, settled.to_event())

    async def _switch_state(self, partition: FramePartition, arrival: ActivationArrival) -> None:
        """From this offset on the line uses another version. SQL has to know before the record is acknowledged."""
        activated, record = arrival.activated, arrival.record
        partition.timeline(activated.line, activated.product).activate(record.offset, activated.version)

        def remember() -> None:
            self._state_store.record_activation(
                activated, cluster=self._cluster, partition=record.partition, offset=record.offset
            )

        await self._aside(partition, record, lambda: self._in_thread(self._database, remember))

    # effect 3: the detector

    async def _dispatch(self, partition: FramePartition, parts: Iterable[DuePart]) -> None:
        """Hand due parts over to the detector; waits while too much work is in progress."""
        for due in parts:
            if not partition.alive:
                return
            size = max(due.held_bytes, _DISPOSITION_BYTES)
            await self._gate.enter(size)
            self._spawn(self._prepare(partition, due, size))

    async def _prepare(self, partition: FramePartition, due: DuePart, size: int) -> None:
        """Find state and words that judge the part. Aside, so that a line whose state is being read delays no other."""
        work = _Work(
            partition=partition,
            due=due,
            part=to_part(due, await self._learned_words(due.spec)),
            state=await self._states.choose(partition, due),
            due_at=self._clock(),
            started=datetime.now(UTC),
            size=size,
        )
        if work.part is None:
            self._spawn(self._finish_batch([work], [None], 0.0))
        else:
            self._ready.put_nowait(work)

    async def _inspect_batches(self) -> None:
        while True:
            batch = [await self._ready.get()]
            while len(batch) < self._limits.max_batch and not self._ready.empty():
                batch.append(self._ready.get_nowait())
            alive = [work for work in batch if work.partition.alive]
            for work in batch:
                if not work.partition.alive:
                    await self._gate.leave(work.size)
            if not alive:
                continue
            now = self._clock()
            for work in alive:
                self._metrics.stage.labels("wait").observe(now - work.due_at)
            parts = [work.part for work in alive if work.part is not None]
            findings, seconds = await self._model.inspect(parts, [work.state for work in alive])
            self._metrics.inference.observe(seconds)
            self._metrics.batch_size.observe(len(parts))
            self._metrics.model_parts.inc(len(parts))
            await self._finishing.acquire()
            task = self._spawn(self._finish_batch(alive, findings, seconds / len(parts)))
            task.add_done_callback(lambda _: self._finishing.release())

    # effects 4 to 7

    async def _finish_batch(self, batch: Sequence[_Work], findings: Sequence[Finding | None], model_s: float) -> None:
        async with asyncio.TaskGroup() as parts:
            for work, finding in zip(batch, findings, strict=True):
                parts.create_task(self._finish_part(work, finding, model_s))

    async def _finish_part(self, work: _Work, finding: Finding | None, model_s: float) -> None:
        due = work.due
        with self._metrics.stage.labels("evidence").time():
            evidence = await self._in_thread(  # 4
                self._writers, lambda: self._evidence.write(due, finding, learning=work.state is None)
            )
        inspection = assemble(
            due,
            finding,
            state=work.state,
            evidence=evidence,
            timing=Timing(start=work.started, end=datetime.now(UTC), model_s=model_s),
            maker=self._maker,
        )
        with self._metrics.stage.labels("publish").time():
            await self._outbox.put(topics.RESULTS, due.line, inspection.to_event())  # 5
        await self._finish(work.partition, due.offsets, together=not due.names_itself)  # 6
        self._measure(due, inspection)  # 7
        await self._gate.leave(work.size)

    async def _finish(self, partition: FramePartition, offsets: Iterable[int], *, together: bool = False) -> None:
        self._settle(partition, partition.finish(offsets, together=together))

    def _measure(self, due: DuePart, inspection: Inspection) -> None:
        metrics = self._metrics
        metrics.parts.labels(due.line, inspection.verdict.value).inc()
        for event in due.events:
            if event.failure is None:
                metrics.frames.labels(due.line, event.modality or "none", Outcome.USED.value).inc()
        if inspection.score is not None:
            metrics.score.labels(due.line).observe(inspection.score)
        if inspection.processing.captured_first_at is not None:
            passed = datetime.now(UTC) - inspection.processing.captured_first_at
            metrics.end_to_end.labels(due.line).observe(max(0.0, passed.total_seconds()))

    async def _measure_lag(self) -> None:
        while True:
            with suppress(BrokerUnavailable):  # the gauge keeps what was known last
                for lag in (await self._log_ends(topics.FRAMES)).values():
                    self._metrics.lag.labels(topics.FRAMES, str(lag.partition)).set(lag.messages)
            await asyncio.sleep(_LAG_EVERY_S)

    # how effects are run

    async def _aside(
        self, partition: FramePartition, record: ConsumedRecord, effect: Callable[[], Awaitable[None]]
    ) -> None:
        """Run an effect while the next records are placed; its record is finished after it."""
        await self._gate.enter(_DISPOSITION_BYTES)

        async def run() -> None:
            await effect()
            await self._finish(partition, [record.offset])
            await self._gate.leave(_DISPOSITION_BYTES)

        self._spawn(run())

    def _spawn(self, effect: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task whose failure ends the process. CancelledError if the process is ending already."""
        try:
            if self._tasks is not None:
                return self._tasks.create_task(effect)
        except RuntimeError:  # the group has ended with the failure of another task, a moment ago
            pass
        effect.close()
        raise asyncio.CancelledError

    async def _in_thread(self, pool: ThreadPoolExecutor, call: Callable[..., Answer], *arguments: Any) -> Answer:
        return await insist_in_thread(pool, partial(call, *arguments), patience_s=self._patience_s)

    async def _spec(self, line: str) -> LineSpec:
        spec, is_stale = self._specs.known(line)
        if spec is None:
            return await self._in_thread(self._database, self._read_spec, line)
        if is_stale:
            self._spawn(self._refresh_spec(line))
        return spec

    async def _learned_words(self, spec: LineSpec) -> bytes:
        known = self._words.known(spec.learned_words)
        return await self._in_thread(self._decoders, self._words.read, spec.learned_words) if known is None else known

    def _read_spec(self, line: str) -> LineSpec:
        spec = self._specs.read(line)
        self._metrics.join_window.labels(line).set(spec.join_window_s)
        return spec

    async def _refresh_spec(self, line: str) -> None:
        """Read a specification anew; while the database is away the known one goes on to count."""
        with suppress(DatabaseUnavailable):
            await asyncio.get_running_loop().run_in_executor(self._database, self._read_spec, line)


def _line_of(arrival: AnyArrival) -> str:
    match arrival:
        case HeartbeatArrival():
            return arrival.heartbeat.line
        case ActivationArrival():
            return arrival.activated.line
        case _:
            return arrival.line
