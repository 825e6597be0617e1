"""inspect and store on real Faust in the test's own process; the detector is scripted."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from storage.database import Database
from storage.learned_words import LearnedWordsStore
from storage.ledger import LedgerStore
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.results import ResultSink
from stream.agents.inspect import InspectAgent
from stream.agents.store import StoreAgent
from stream.consumer_group import ConsumerGroup
from stream.evidence_writer import EvidenceWriter
from stream.frame_reader import FrameReader
from stream.line_specs import LineSpecs
from stream.line_states import LineStates
from stream.line_words import LineWords
from stream.metrics.inspect import InspectMetrics
from stream.metrics.store import StoreMetrics
from stream.metrics.worker import WorkerMetrics, new_registry
from stream.model_thread import ModelThread
from stream.outbox import Outbox
from stream.settings import InspectLimits, StoreLimits
from stream.steps.result import Maker
from stream.watchdog import Watchdog
from tests.unit.stream.sabotage import Sabotage
from tests.unit.stream.scripted_inspector import ScriptedInspector
from wire import topics
from wire.kafka.lag import LagReader, PartitionLag
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings
from wire.payload_store import PayloadStore

PATIENCE_S = 20.0


class WorkerInProcess:
    """Consumer groups with their apps; ``crashed`` after one of them failed."""

    def __init__(
        self,
        payloads: PayloadStore,
        database: Database,
        broker: KafkaSettings,
        sabotage: Sabotage,
        *,
        cluster: str = "pipeline",
    ) -> None:
        self.registry = new_registry()
        self.sender = KafkaSender(broker, "worker")
        states = LineStateStore(database, payloads)
        inspector = ScriptedInspector(sabotage)
        lags = LagReader(broker)

        async def log_ends(topic: str) -> Mapping[int, PartitionLag]:
            found = await asyncio.to_thread(lags.lags, topic, [topics.GROUP_INSPECT])
            return {lag.partition: lag for lag in found[topics.GROUP_INSPECT]}

        inspect = InspectAgent(
            reader=FrameReader(payloads),
            specs=LineSpecs(LineRegistry(database)),
            words=LineWords(LearnedWordsStore(payloads)),
            states=LineStates(states, model_digest=inspector.digest, budget_bytes=1 << 20),
            state_store=states,
            model=ModelThread(inspector),
            evidence=EvidenceWriter(payloads, InspectLimits().evidence),
            outbox=Outbox(self.sender, group=topics.GROUP_INSPECT, patience_s=PATIENCE_S),
            log_ends=log_ends,
            cluster=cluster,
            maker=Maker(software_version="1", recipe="scripted", model_digest=inspector.digest, worker="w"),
            limits=InspectLimits(idle_s=1.0),
            patience_s=PATIENCE_S,
            metrics=InspectMetrics(self.registry),
        )
        store = StoreAgent(
            sink=ResultSink(database),
            ledger=LedgerStore(database),
            outbox=Outbox(self.sender, group=topics.GROUP_STORE, patience_s=PATIENCE_S),
            limits=StoreLimits(),
            metrics=StoreMetrics(self.registry),
        )
        self.groups = [ConsumerGroup(agent, broker, client_id=agent.group) for agent in (inspect, store)]

    @property
    def crashed(self) -> bool:
        return any(group.app.crash_reason is not None for group in self.groups)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["WorkerInProcess"]:
        """Started, watched over, and stopped at the end."""
        before = asyncio.all_tasks()
        watchdog = Watchdog(asyncio.get_running_loop(), self.groups, WorkerMetrics(self.registry))
        for group in self.groups:
            asyncio.create_task(group.app.start())  # noqa: RUF006 - cancelled with all others below
        watchdog.start()
        try:
            yield self
        finally:
            watchdog.close()
            await asyncio.gather(*(group.app.stop() for group in self.groups), return_exceptions=True)
            # After a crash Faust leaves tasks of its own behind; a process would end now.
            left = asyncio.all_tasks() - before
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            self.sender.close(2.0)
