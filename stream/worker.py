"""One worker process: builds the world of its roles from settings, runs it, and ends with an exit code."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import structlog

from storage.commands import CommandStore
from storage.database import Database
from storage.history import History
from storage.jobs import JobStore
from storage.learned_words import LearnedWordsStore
from storage.ledger import LedgerStore
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.local_folder import folder_of_database, folder_of_objects
from storage.objects import open_payload_store
from storage.references import ReferenceStore
from storage.results import ResultSink
from stream.agents.agent import Agent
from stream.agents.build import BuildAgent
from stream.agents.describe import DescribeAgent
from stream.agents.inspect import InspectAgent
from stream.agents.store import StoreAgent
from stream.consumer_group import ConsumerGroup
from stream.evidence_writer import EvidenceWriter
from stream.frame_reader import FrameReader
from stream.line_specs import LineSpecs
from stream.line_states import LineStates
from stream.line_words import LineWords
from stream.metrics.build import BuildMetrics
from stream.metrics.describe import DescribeMetrics
from stream.metrics.inspect import InspectMetrics
from stream.metrics.store import StoreMetrics
from stream.metrics.worker import WorkerMetrics, new_registry
from stream.model_thread import ModelThread
from stream.outbox import Outbox
from stream.patience import insist
from stream.settings import Role, WorkerSettings
from stream.state_builder import StateBuilder
from stream.steps.result import Maker
from stream.watchdog import Watchdog
from wire import topics
from wire.errors import LinesideError
from wire.inspector import Inspector
from wire.kafka.lag import LagReader, PartitionLag
from wire.kafka.sender import KafkaSender
from wire.kafka.topics_admin import cluster_id
from wire.logs import configure_logging
from wire.payload_store import PayloadStore
from wire.telemetry import TelemetryServer

_log = structlog.get_logger(__name__)

# A thread that wants the interpreter waits at most this long for one that computes. With Python's 5 ms the detector,
# which gives the interpreter away at every tensor operation, would wait for the loop most of the time.
_SWITCH_INTERVAL_S = 0.0005
_BUILD_NICENESS = 10
# Acknowledged records are committed and threads are told to end within this time, or the process ends without them.
_STOP_WITHIN_S = 4.0
_CLOSE_SENDER_S = 1.0


def run(settings: WorkerSettings) -> int:
    """Work until SIGTERM or SIGINT (0), or until something fails that cannot be waited for (1)."""
    configure_logging("-".join(settings.roles), json=settings.log_json, level=settings.log_level)
    if set(settings.roles) == {Role.BUILD}:
        # Learning takes a core for many seconds and is never urgent; judging and sampling beside it are.
        os.nice(_BUILD_NICENESS)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        return run_and_leave(_Worker(settings).run())
    except LinesideError as error:
        _log.critical("the worker cannot go on", error=str(error))
        return 1


def run_and_leave(main: Coroutine[Any, Any, int]) -> int:
    """Run ``main`` to its end on a loop of its own, and leave behind whatever tasks are left.

    ``asyncio.run`` would wait for these: a consumer of Faust that failed at its start ignores its cancellation, and the
    worker that had said "stopped" stayed for ever. ``main`` has closed everything; the process ends after this.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(main)


class _Worker:
    """The world of one process. Construction does nothing."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._registry = new_registry()
        self._metrics = WorkerMetrics(self._registry)
        self._watchdog: Watchdog | None = None

    async def run(self) -> int:
        """Build, serve, stop. Whatever was opened is closed in reverse order."""
        settings = self._settings
        for number in (signal.SIGTERM, signal.SIGINT):
            # Nothing is under way yet, and loading a detector cannot be interrupted.
            asyncio.get_running_loop().add_signal_handler(number, os._exit, 0)
        with contextlib.ExitStack() as opened:
            telemetry = TelemetryServer(
                self._registry,
                host=settings.telemetry.host,
                port=settings.telemetry.port,
                live=lambda: self._watchdog.live() if self._watchdog else None,
                ready=lambda: self._watchdog.ready() if self._watchdog else "loading",
            )
            opened.callback(telemetry.close)
            groups = await self._build(opened)
            return await self._serve(groups)

    async def _build(self, opened: contextlib.ExitStack) -> list[ConsumerGroup]:
        """Everything that the roles need; waits for database and broker, and loads the detector."""
        settings = self._settings
        database = Database(settings.database.get_secret_value())
        opened.callback(database.close)
        await insist(lambda: asyncio.to_thread(database.ensure_current), patience_s=settings.patience_s)
        payloads = open_payload_store(settings.objects)
        opened.callback(payloads.close)
        sender = KafkaSender(settings.broker, client_id=settings.name)
        opened.callback(sender.close, _CLOSE_SENDER_S)
        cluster = await insist(lambda: asyncio.to_thread(cluster_id, settings.broker), patience_s=settings.patience_s)
        agents: list[Agent] = []
        for role in settings.roles:
            outbox = Outbox(sender, group=_GROUPS[role], patience_s=settings.patience_s)
            match role:
                case Role.INSPECT:
                    agents.append(await self._inspect_agent(opened, database, payloads, outbox, cluster))
                case Role.STORE:
                    agents.append(self._store_agent(database, outbox))
                case Role.DESCRIBE:
                    agents.append(self._describe_agent(database, outbox))
                case Role.BUILD:
                    agents.append(await self._build_agent(database, payloads, outbox, cluster))
        return [
            ConsumerGroup(
                agent,
                settings.broker,
                client_id=f"{settings.name}-{agent.group}",
                session_timeout_s=settings.session_timeout_s,
            )
            for agent in agents
        ]

    async def _serve(self, groups: list[ConsumerGroup]) -> int:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        self._watchdog = Watchdog(loop, groups, self._metrics)
        self._watchdog.start()
        starting = [asyncio.create_task(group.app.start()) for group in groups]
        ending = [asyncio.create_task(stop.wait()), *(asyncio.create_task(group.app.wait()) for group in groups)]
        await asyncio.wait(
            [*ending, asyncio.create_task(_first_failure(starting))], return_when=asyncio.FIRST_COMPLETED
        )
        failures = [error for group in groups if (error := group.app.crash_reason) is not None]
        failures += [error for task in starting if task.done() and (error := task.exception()) is not None]
        for failure in failures:
            _log.critical("a role failed", error=repr(failure), exc_info=failure)
        self._watchdog.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_WITHIN_S):
                await asyncio.gather(*(group.app.stop() for group in groups), return_exceptions=True)
        for task in (*starting, *ending):
            task.cancel()
        await asyncio.gather(*starting, *ending, return_exceptions=True)
        _log.info("stopped", failed=bool(failures))
        return 1 if failures or not stop.is_set() else 0

    async def _load(self) -> Inspector:
        # Here and not at the top: torch costs a worker without a detector 400 MB and three seconds of its start.
        from models.recipes.loader import load_inspector

        limits = self._settings.inspect
        return await asyncio.to_thread(
            load_inspector,
            self._settings.recipe,
            device=limits.device,
            threads=limits.model_threads,
            changes=self._settings.recipe_changes,
        )

    async def _inspect_agent(
        self, opened: contextlib.ExitStack, database: Database, payloads: PayloadStore, outbox: Outbox, cluster: str
    ) -> InspectAgent:
        settings = self._settings
        inspector = await self._load()
        metrics = InspectMetrics(self._registry)
        software = version("lineside")
        metrics.model_info.labels(inspector.recipe, inspector.digest, software).set(1)
        # Beside the loader and for its reason.
        from models.device_memory import gpu_memory
        from models.recipes.recipe import names_a_file

        if (used_and_total := gpu_memory(settings.inspect.device)) is not None:
            metrics.watch_gpu(settings.inspect.device, used_and_total)
        log_ends = _LogEnds(LagReader(settings.broker), topics.GROUP_INSPECT)
        opened.callback(log_ends.close)
        states = LineStateStore(database, payloads)
        return InspectAgent(
            reader=FrameReader(payloads),
            specs=LineSpecs(LineRegistry(database)),
            words=LineWords(LearnedWordsStore(payloads)),
            states=LineStates(states, model_digest=inspector.digest, budget_bytes=settings.inspect.state_bytes),
            state_store=states,
            model=ModelThread(inspector, cpu=settings.inspect.model_cpu),
            evidence=EvidenceWriter(payloads, settings.inspect.evidence),
            outbox=outbox,
            log_ends=log_ends,
            cluster=cluster,
            maker=Maker(
                software_version=software,
                recipe=inspector.recipe,
                model_digest=inspector.digest,
                worker=settings.name,
                # Where a file of weights lies on this machine says nothing to others; the digest covers what is in it.
                recipe_changes={k: v for k, v in settings.recipe_changes.items() if not names_a_file(k)},
            ),
            limits=settings.inspect,
            patience_s=settings.patience_s,
            metrics=metrics,
        )

    def _store_agent(self, database: Database, outbox: Outbox) -> StoreAgent:
        settings = self._settings
        metrics = StoreMetrics(self._registry)
        for volume, folder in (
            ("database", folder_of_database(settings.database.get_secret_value())),
            ("objects", folder_of_objects(settings.objects)),
        ):
            if folder is not None:
                metrics.watch_disk(volume, folder)
        return StoreAgent(
            sink=ResultSink(database),
            ledger=LedgerStore(database),
            outbox=outbox,
            limits=settings.store,
            metrics=metrics,
        )

    def _describe_agent(self, database: Database, outbox: Outbox) -> DescribeAgent:
        settings = self._settings
        return DescribeAgent(
            jobs=JobStore(database),
            outbox=outbox,
            owner=settings.name,
            limits=settings.build,
            patience_s=settings.patience_s,
            metrics=DescribeMetrics(self._registry),
        )

    async def _build_agent(
        self, database: Database, payloads: PayloadStore, outbox: Outbox, cluster: str
    ) -> BuildAgent:
        settings = self._settings
        inspector = await self._load()
        return BuildAgent(
            jobs=JobStore(database),
            commands=CommandStore(database),
            builder=StateBuilder(
                inspector=inspector,
                payloads=payloads,
                lines=LineRegistry(database),
                states=LineStateStore(database, payloads),
                references=ReferenceStore(database),
                history=History(database),
            ),
            states=LineStateStore(database, payloads),
            history=History(database),
            outbox=outbox,
            cluster=cluster,
            owner=settings.name,
            limits=settings.build,
            patience_s=settings.patience_s,
            metrics=BuildMetrics(self._registry),
        )


_GROUPS = {
    Role.INSPECT: topics.GROUP_INSPECT,
    Role.STORE: topics.GROUP_STORE,
    Role.DESCRIBE: topics.GROUP_DESCRIBE,
    Role.BUILD: topics.GROUP_BUILD,
}


class _LogEnds:
    """Asks the broker where partitions begin and end, in a thread of its own."""

    def __init__(self, lags: LagReader, group: str) -> None:
        self._lags = lags
        self._group = group
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-ends")

    async def __call__(self, topic: str) -> Mapping[int, PartitionLag]:
        lags = await asyncio.get_running_loop().run_in_executor(self._thread, self._lags.lags, topic, [self._group])
        return {lag.partition: lag for lag in lags[self._group]}

    def close(self) -> None:
        """Let go of thread and connections."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._lags.close()


async def _first_failure(starting: list[asyncio.Task[None]]) -> None:
    """Return when a start has failed; wait for ever if none does."""
    for started in asyncio.as_completed(starting):
        try:
            await started
        except Exception:  # the supervisor of the process: what it was is read from the task, logged and exits
            return
    await asyncio.Event().wait()
