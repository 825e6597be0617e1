"""An inspect worker on a bench: a log to read, stores that fail on request, and workers that follow each other."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import stamina
from prometheus_client import CollectorRegistry

from storage.database import Database
from storage.learned_words import LearnedWordsStore
from storage.ledger import LedgerStore
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.objects import open_payload_store
from storage.results import ResultSink
from stream.agents.inspect import InspectAgent
from stream.agents.store import StoreAgent
from stream.evidence_writer import EvidenceWriter
from stream.frame_reader import FrameReader
from stream.line_specs import LineSpecs
from stream.line_states import LineStates
from stream.line_words import LineWords
from stream.metrics.inspect import InspectMetrics
from stream.metrics.store import StoreMetrics
from stream.metrics.worker import new_registry
from stream.model_thread import ModelThread
from stream.outbox import Outbox
from stream.settings import EvidencePolicy, InspectLimits, StoreLimits
from stream.steps.consumed import ConsumedRecord
from stream.steps.result import Maker
from tests.components.waiting import wait_until_async
from tests.unit.stream.made_records import SPEC, record
from tests.unit.stream.recording_sender import RecordingSender
from tests.unit.stream.sabotage import Sabotage, Sabotaged
from tests.unit.stream.scripted_inspector import ScriptedInspector
from wire import topics
from wire.cloudevents import CloudEvent
from wire.inspection import Inspection
from wire.kafka.lag import PartitionLag
from wire.line_state import StateActivated
from wire.payload_store import PayloadStore

WORKER = "bench"
PATIENCE_S = 5.0
DEADLINE_S = 20.0


class FaultyPayloads:
    """Points: ``put``, ``get``."""

    def __init__(self, inner: PayloadStore, sabotage: Sabotage) -> None:
        self._inner = inner
        self._sabotage = sabotage
        self.keys: list[str] = []

    def put(self, key: str, data: bytes) -> None:
        self._sabotage.hit("put")
        self._inner.put(key, data)
        self.keys.append(key)

    def get(self, key: str) -> bytes:
        self._sabotage.hit("get")
        return self._inner.get(key)

    def exists(self, key: str) -> bool:
        return self._inner.exists(key)

    def delete(self, key: str) -> None:
        self._inner.delete(key)

    def close(self) -> None:
        self._inner.close()


class FaultyStates(LineStateStore):
    """Points: ``record_activation``, ``active_at``. The slow line's answers wait for ``may_read``."""

    def __init__(self, database: Database, payloads: PayloadStore, sabotage: Sabotage) -> None:
        super().__init__(database, payloads)
        self._sabotage = sabotage
        self.slow_line = ""
        self.may_read = threading.Event()

    def record_activation(self, activated: StateActivated, *, cluster: str, partition: int, offset: int) -> None:
        self._sabotage.hit("record_activation")
        super().record_activation(activated, cluster=cluster, partition=partition, offset=offset)

    def active_at(self, line: str, product: str, *, cluster: str, partition: int, offset: int) -> int | None:
        self._sabotage.hit("active_at")
        if line == self.slow_line:
            self.may_read.wait()
        return super().active_at(line, product, cluster=cluster, partition=partition, offset=offset)


class FaultyMetrics(InspectMetrics):
    """Point: ``measure``."""

    def __init__(self, registry: CollectorRegistry, sabotage: Sabotage) -> None:
        super().__init__(registry)
        self._sabotage = sabotage
        self._parts = self.parts
        del self.parts

    def __getattr__(self, name: str) -> object:
        if name != "parts":
            raise AttributeError(name)
        self._sabotage.hit("measure")
        return self._parts


class CheckedProgress:
    """Acknowledgements of one partition: in order, no hole, each once. Point: ``acknowledge``."""

    def __init__(self, log: Sequence[ConsumedRecord], committed: int | None, sabotage: Sabotage) -> None:
        self._offsets = [each.offset for each in log]
        self._start = committed
        self.acknowledged: list[int] = []
        self._sabotage = sabotage

    def acknowledge(self, topic: str, partition: int, epoch: int, offsets: Sequence[int]) -> None:
        self._sabotage.hit("acknowledge")
        self.acknowledged += offsets
        expected = [offset for offset in self._offsets if offset >= (self._start or 0)]
        assert self.acknowledged == expected[: len(self.acknowledged)]

    def committed(self, topic: str, partition: int) -> int | None:
        return self._start

    @property
    def next_offset(self) -> int | None:
        return self.acknowledged[-1] + 1 if self.acknowledged else self._start


class InspectBench:
    """``send`` events, then ``work`` until the log is finished; a worker that dies is followed by the next one."""

    def __init__(self, folder: Path, database: Database, *, limits: InspectLimits | None = None) -> None:
        self.sabotage = Sabotage()
        self.registry = new_registry()
        self.database = database
        self.payloads = FaultyPayloads(open_payload_store(f"file://{folder}"), self.sabotage)
        self.sender = RecordingSender(self.sabotage)
        self.inspector = ScriptedInspector(self.sabotage)
        self.lines = LineRegistry(database)
        self.lines.upsert(SPEC)
        self.states = FaultyStates(database, self.payloads, self.sabotage)
        self.limits = limits or InspectLimits(evidence=EvidencePolicy.ALL)
        self.log: list[ConsumedRecord] = []
        self.log_start = 0
        self.committed: int | None = None
        self.deaths = 0

    def send(self, *events: CloudEvent, broker_time_s: float | None = None) -> None:
        for event in events:
            self.log.append(record(event, len(self.log), broker_time_s=broker_time_s))

    def agent(self) -> InspectAgent:
        """A new worker process's agent, with metrics of its own."""
        self.registry = new_registry()
        return InspectAgent(
            reader=FrameReader(self.payloads),
            specs=LineSpecs(self.lines),
            words=LineWords(LearnedWordsStore(self.payloads)),
            states=LineStates(self.states, model_digest=self.inspector.digest, budget_bytes=1 << 20),
            state_store=self.states,
            model=ModelThread(self.inspector),
            evidence=EvidenceWriter(self.payloads, self.limits.evidence),
            outbox=Outbox(self.sender, group=topics.GROUP_INSPECT, patience_s=PATIENCE_S),
            log_ends=self._log_ends,
            cluster="bench",
            maker=Maker(
                software_version="1",
                recipe=self.inspector.recipe,
                model_digest=self.inspector.digest,
                worker=WORKER,
            ),
            limits=self.limits,
            patience_s=PATIENCE_S,
            metrics=FaultyMetrics(self.registry, self.sabotage),
        )

    async def _log_ends(self, topic: str) -> Mapping[int, PartitionLag]:
        end = self.log[-1].offset + 1 if self.log else 0
        return {0: PartitionLag(partition=0, committed=self.committed, start=self.log_start, end=end)}

    async def work(self, *, lives: int = 5) -> None:
        """Workers one after the other, each from the committed offset, until everything is acknowledged."""
        for _ in range(lives):
            progress = CheckedProgress(self.log, self.committed, self.sabotage)
            finished = await self._live(self.agent(), progress)
            self.committed = progress.next_offset
            if finished:
                return
            self.deaths += 1
        raise AssertionError(f"{lives} workers died")

    async def _live(self, agent: InspectAgent, progress: CheckedProgress) -> bool:
        unread = [each for each in self.log if each.offset >= (self.committed or 0)]
        end = self.log[-1].offset + 1
        died = False
        try:
            with stamina.set_testing(True, attempts=100):
                async with asyncio.TaskGroup() as tasks:
                    background = tasks.create_task(agent.run(progress))
                    await asyncio.sleep(0)
                    for first in range(0, len(unread), 7):
                        await agent.take(unread[first : first + 7])
                    await wait_until_async(
                        lambda: progress.next_offset == end,
                        DEADLINE_S,
                        lambda: f"offset {end}; acknowledged {progress.acknowledged}",
                    )
                    background.cancel()
        except* Sabotaged:
            died = True
        return not died

    async def store(self) -> None:
        """Write what was published so far, as the store role does, from the beginning."""
        agent = StoreAgent(
            sink=ResultSink(self.database),
            ledger=LedgerStore(self.database),
            outbox=Outbox(self.sender, group=topics.GROUP_STORE, patience_s=PATIENCE_S),
            limits=StoreLimits(),
            metrics=StoreMetrics(new_registry()),
        )
        published = self.sender.events[topics.RESULTS]
        try:
            await agent.take([record(event, at, topic=topics.RESULTS) for at, event in enumerate(published)])
        finally:
            agent.close()

    def results(self) -> list[Inspection]:
        """Published results, repetitions included."""
        return [Inspection.from_json(event.data) for event in self.sender.of_type(topics.INSPECTION_RESULT)]
