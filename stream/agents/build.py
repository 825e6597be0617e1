"""build: commands in, new versions of what a line knows out, announced in band.

Effects, in this order (DESIGN §3):

1. the command recorded and its job persisted in SQL
2. acknowledge
3. under a lease: references changed, the version built and stored
4. the activation produced in band on ``lineside.frames``, acknowledged, and its place recorded
5. the command finished with a message for people, then the job
6. metrics

A line that has no version yet learns: as soon as enough complete parts are stored, a job is made for it.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import TypeVar

import structlog

from storage.commands import CommandStatus, CommandStore
from storage.history import History
from storage.jobs import Job, JobStore
from storage.line_states import LineStateStore
from stream.agents.agent import Progress
from stream.job_loop import JobLoop
from stream.metrics.build import BuildMetrics
from stream.outbox import Outbox
from stream.patience import insist_in_thread
from stream.settings import BuildLimits
from stream.state_builder import Decision, Outcome, StateBuilder
from stream.steps.consumed import ConsumedRecord
from wire import topics
from wire.cloudevents import from_kafka
from wire.command import LineCommand
from wire.errors import BadInput, DatabaseUnavailable, DecodeError, RetryLater
from wire.line_state import StateActivated

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

_KIND = "build"
# Commands that wait together lead to one build: an operator who accepts twenty parts waits for one.
_JOBS_PER_LEASE = 100


class BuildAgent:
    """The build role. Everything it talks to is passed in; one instance per process."""

    group = topics.GROUP_BUILD
    topics = (topics.COMMANDS,)
    max_take = 100

    def __init__(
        self,
        *,
        jobs: JobStore,
        commands: CommandStore,
        builder: StateBuilder,
        states: LineStateStore,
        history: History,
        outbox: Outbox,
        cluster: str,
        owner: str,
        limits: BuildLimits,
        patience_s: float,
        metrics: BuildMetrics,
    ) -> None:
        self._jobs = jobs
        self._commands = commands
        self._builder = builder
        self._states = states
        self._history = history
        self._outbox = outbox
        self._cluster = cluster
        self._limits = limits
        self._patience_s = patience_s
        self._metrics = metrics
        self._database = ThreadPoolExecutor(1, thread_name_prefix="build-sql")
        # The detector's builds: aside, one at a time.
        self._builds = ThreadPoolExecutor(1, thread_name_prefix="build")
        self._progress: Progress | None = None
        self._loop = JobLoop(
            _KIND,
            jobs,
            self._work,
            owner=owner,
            lease_s=limits.lease_s,
            poll_s=limits.poll_s,
            limit=_JOBS_PER_LEASE,
            patience_s=patience_s,
        )

    async def run(self, progress: Progress) -> None:
        """Work on jobs, and look for lines that can learn, until cancelled."""
        self._progress = progress
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._loop.run())
                tasks.create_task(self._look_for_work())
        finally:
            self._database.shutdown(wait=False, cancel_futures=True)
            self._builds.shutdown(wait=False, cancel_futures=True)

    async def take(self, records: Sequence[ConsumedRecord]) -> None:
        """Persist a job for each command."""
        for record in records:
            try:
                event = from_kafka(record.headers, record.value)
                if event.type != topics.LINE_COMMAND:
                    raise DecodeError("event_type", f"{event.type!r} is no command")
                command = LineCommand.from_json(event.data)
            except DecodeError as failure:
                await self._quarantine(record, failure)
            else:
                await self._in_thread(self._database, partial(self._persist, command))  # 1
        if self._progress is not None:  # 2
            for record in records:
                self._progress.acknowledge(record.topic, record.partition, record.epoch, [record.offset])
        self._loop.wake()

    def revoked(self, epoch: int) -> None:
        """Nothing is held between batches."""

    def assigned(self, epoch: int) -> None:
        """Nothing to prepare."""

    async def _quarantine(self, record: ConsumedRecord, failure: BadInput) -> None:
        await self._outbox.quarantine(record, failure)
        self._metrics.dead_letters.labels(failure.reason).inc()

    def _persist(self, command: LineCommand) -> None:
        self._commands.record(command)
        self._jobs.enqueue(
            _KIND, f"command/{command.command_id}", command.line, command.model_dump(mode="json", by_alias=True)
        )

    async def _look_for_work(self) -> None:
        """Make jobs for lines that have enough parts to learn from, and for versions that another model made."""
        checked_model = False
        while True:
            with suppress(DatabaseUnavailable):  # the next round looks again
                found = await asyncio.get_running_loop().run_in_executor(
                    self._database, self._enqueue_found, not checked_model
                )
                checked_model = True
                if found:
                    self._loop.wake()
            await asyncio.sleep(self._limits.poll_s)

    def _enqueue_found(self, look_for_outdated: bool) -> int:
        found = 0
        for candidate in self._history.learning_lines():
            line, product = candidate.line, candidate.product
            if candidate.inspections >= self._builder.parts_to_learn(line):
                found += self._jobs.enqueue(_KIND, f"learn/{line}/{product}", line, {"learn": product})
        if look_for_outdated:
            for line, product in self._builder.outdated():
                key = f"model/{line}/{product}/{self._builder.model_digest}"
                found += self._jobs.enqueue(_KIND, key, line, {"model": product})
        return found

    async def _work(self, jobs: Sequence[Job]) -> None:
        by_line = sorted(jobs, key=lambda job: job.line)  # stable: the order within a line stays
        for line, of_line in groupby(by_line, key=lambda job: job.line):
            commands = []
            for job in of_line:
                if "learn" in job.payload or "model" in job.payload:
                    await self._build_unasked(line, job)
                else:
                    commands.append(LineCommand.model_validate(job.payload))
            if commands:
                await self._obey(line, commands)

    async def _build_unasked(self, line: str, job: Job) -> None:
        def build() -> Decision | None:
            if "learn" in job.payload:
                return self._builder.learn(line, job.payload["learn"])
            return self._builder.rebuild_for_model(line, job.payload["model"])

        try:
            with self._metrics.seconds.time():
                decision = await self._in_thread(self._builds, build)  # 3
        except (DecodeError, LookupError, ValueError) as error:
            # The references are there and cannot be used: people have to look, and other lines go on.
            _log.error("a line cannot learn", line=line, job=job.key, error=str(error))
            raise RetryLater(f"{line}: {error}", retry_after_s=60.0) from error
        if decision is not None:
            await self._activate(decision)

    async def _obey(self, line: str, commands: Sequence[LineCommand]) -> None:
        with self._metrics.seconds.time():
            outcome = await self._in_thread(self._builds, lambda: self._builder.carry_out(line, commands))  # 3
        for decision in outcome.decisions:
            await self._activate(decision)
        await self._in_thread(self._database, lambda: self._finish(commands, outcome))  # 5
        self._metrics.rejected.inc(len(outcome.failed))

    async def _activate(self, decision: Decision) -> None:
        """From the offset that the broker gives, the line uses this version."""
        metadata = decision.metadata
        activated = StateActivated(
            line=metadata.line,
            product=metadata.product,
            version=metadata.version,
            digest=metadata.digest,
            activated_at=datetime.now(UTC),
            by=decision.by,
            reason=decision.reason,
        )
        placed = await self._outbox.put(topics.FRAMES, metadata.line, activated.to_event())  # 4
        if placed.offset >= 0:  # else only inspect, which reads it, learns where it lies

            def remember() -> None:
                self._states.record_activation(
                    activated, cluster=self._cluster, partition=placed.partition, offset=placed.offset
                )

            await self._in_thread(self._database, remember)
        self._metrics.states.labels(metadata.line, decision.reason).inc()  # 6
        _log.info("a version is active", line=metadata.line, version=metadata.version, reason=decision.reason)

    def _finish(self, commands: Sequence[LineCommand], outcome: Outcome) -> None:
        for command in commands:
            failed = outcome.failed.get(command.command_id)
            if failed is not None:
                self._commands.finish(command.command_id, CommandStatus.FAILED, failed)
            else:
                done = outcome.done.get(command.command_id, "")
                self._commands.finish(command.command_id, CommandStatus.DONE, done)

    async def _in_thread(self, pool: ThreadPoolExecutor, call: Callable[[], Answer]) -> Answer:
        return await insist_in_thread(pool, call, patience_s=self._patience_s)
