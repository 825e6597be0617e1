"""One consumer group on Faust: the shell around an agent. Takes records, hands them over, acknowledges what is done."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import faust
import structlog
from faust.types import TP, EventT, StreamT

from stream.agents.agent import Agent
from stream.broker_credentials import faust_credentials
from stream.explicit_consumer import ExplicitConsumer, use_explicit_acknowledgement
from stream.steps.consumed import ConsumedRecord
from wire.kafka.settings import KafkaSettings

_log = structlog.get_logger(__name__)

# Longest wait for a full batch: the latency that batching may add. Smaller: more wake-ups of an idle worker.
_WITHIN_S = 0.02
# Records that Faust keeps ready per group. Larger: memory (times 512 KiB). Smaller: the decoders wait for the loop.
_BUFFERED_RECORDS = 64
# The embedded broker lets a join wait for about one session; a real broker's member may be busy for longer.
_SESSION_EMBEDDED_S = 6.0
_SESSION_S = 30.0


class ConsumerGroup:
    """A Faust app that serves one agent. Start and stop ``app``; an exception in the agent crashes it."""

    def __init__(
        self, agent: Agent, broker: KafkaSettings, *, client_id: str, session_timeout_s: float | None = None
    ) -> None:
        self._agent = agent
        self._pending: dict[tuple[str, int, int], EventT[Any]] = {}
        self._over: set[int] = set()  # generations whose records are read again by somebody
        self._has_been_assigned = False
        self._assigned_partitions = 0
        self.app = _build_app(agent.group, broker, client_id=client_id, session_timeout_s=session_timeout_s)
        channel = self.app.topic(
            *agent.topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        self.app.agent(channel, name=agent.group, concurrency=1)(self._work)
        self.app.on_partitions_revoked.connect(self._revoked)  # type: ignore[arg-type]  # demands a parameter it never passes
        self.app.on_partitions_assigned.connect(self._assigned)  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """The consumer group's id."""
        return self._agent.group

    @property
    def consumer(self) -> ExplicitConsumer | None:
        """The consumer, once there is one; may be asked from any thread."""
        # Not ``app.consumer``: that makes one if there is none. The watchdog, which asks twice a second, made it
        # on a busy machine before the main loop came to it, on a loop of its own, and the worker failed at its start.
        consumer = self.app._consumer  # noqa: SLF001
        return consumer if isinstance(consumer, ExplicitConsumer) else None

    @property
    def has_been_assigned(self) -> bool:
        """Whether the group has let this member in (it may have got no partition)."""
        return self._has_been_assigned

    @property
    def assigned_partitions(self) -> int:
        """How many partitions this member has."""
        return self._assigned_partitions

    def oldest_unfinished_s(self, now_s: float) -> float:
        """Seconds since the broker took the oldest record that is read and not acknowledged; 0 without one.

        ``now_s``: seconds since the epoch. Call it on the main loop.
        """
        # Of each partition the records wait in order, but a group reads few partitions and holds a bounded number.
        times = [event.message.timestamp for event in self._pending.values()]
        return max(0.0, now_s - min(times)) if times else 0.0

    def acknowledge(self, topic: str, partition: int, epoch: int, offsets: Sequence[int]) -> None:
        """Mark records as done, in the order of their offsets."""
        consumer = self.consumer
        if epoch in self._over or consumer is None:
            return
        for offset in offsets:
            event = self._pending.get((topic, partition, offset))
            if event is not None and event.message.generation_id == epoch:
                del self._pending[topic, partition, offset]
                consumer.settle(event.message)

    def committed(self, topic: str, partition: int) -> int | None:
        """The offset from which this assignment began to read."""
        return None if self.consumer is None else self.consumer.committed_offset(TP(topic, partition))

    async def _work(self, stream: StreamT[bytes]) -> None:
        """The Faust agent: background work and taking live and fail together."""
        async with asyncio.TaskGroup() as tasks:
            background = tasks.create_task(self._agent.run(self))
            # One turn of the loop, so that the background work is set up when the first records come.
            await asyncio.sleep(0)
            async for events in _batches(stream, self._agent.max_take):
                records = [record for event in events if (record := self._record(event)) is not None]
                if records:
                    await self._agent.take(records)
            background.cancel()

    def _record(self, event: EventT[Any]) -> ConsumedRecord | None:
        message = event.message
        if message.generation_id != self.app.consumer_generation_id or message.generation_id in self._over:
            return None  # a leftover of an earlier assignment: it is read again
        record = ConsumedRecord(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            epoch=message.generation_id,
            broker_time_s=message.timestamp,
            key=message.key,
            value=message.value,
            headers=tuple(_header_pairs(message.headers)),
        )
        # Until it is acknowledged the event waits here, without its payload: the agent counts and bounds those.
        message.value = None
        event.value = None
        self._pending[record.topic, record.partition, record.offset] = event
        return record

    async def _revoked(self, app: faust.App, revoked: set[TP], **_: Any) -> None:
        self._pending.clear()
        self._over.add(app.consumer_generation_id)
        self._agent.revoked(app.consumer_generation_id)
        _log.info("partitions revoked", group=self.name, partitions=_numbers(revoked))

    async def _assigned(self, app: faust.App, assigned: set[TP], **_: Any) -> None:
        self._has_been_assigned = True
        self._assigned_partitions = len(assigned)
        self._over.discard(app.consumer_generation_id)
        self._agent.assigned(app.consumer_generation_id)
        _log.info("partitions assigned", group=self.name, partitions=_numbers(assigned))


def _batches(stream: StreamT[bytes], size: int) -> AsyncIterator[Sequence[EventT[Any]]]:
    """Batches of events that nobody acknowledges but us, not even after the agent failed."""
    stream.enable_acks = False
    return stream.noack_take(size, within=_WITHIN_S)  # type: ignore[attr-defined,no-any-return]  # not in its interface


def _header_pairs(headers: Any) -> Sequence[tuple[str, bytes | None]]:
    return list(headers.items()) if isinstance(headers, Mapping) else list(headers or ())


def _numbers(partitions: set[TP]) -> list[str]:
    return sorted(f"{tp.topic}/{tp.partition}" for tp in partitions)


def _build_app(group: str, broker: KafkaSettings, *, client_id: str, session_timeout_s: float | None) -> faust.App:
    """Settings as measured (CONVENTIONS §1, §2.7)."""
    session_s = session_timeout_s or (_SESSION_EMBEDDED_S if broker.embedded else _SESSION_S)
    app = faust.App(
        group,
        version=1,  # the group's id is then the app's id, without a suffix
        broker=[f"kafka://{server.strip()}" for server in broker.bootstrap.split(",")],
        broker_credentials=faust_credentials(broker),
        broker_client_id=client_id,
        autodiscover=False,
        # Faust makes this folder although nothing is kept in it.
        datadir=Path(tempfile.gettempdir()) / f"lineside-faust-{os.getuid()}",
        store="memory://",
        web_enabled=False,
        worker_redirect_stdouts=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        agent_supervisor="mode.CrashingSupervisor",
        stream_wait_empty=False,
        stream_buffer_maxsize=_BUFFERED_RECORDS,
        broker_session_timeout=session_s,
        broker_heartbeat_interval=min(3.0, session_s / 5),
        broker_rebalance_timeout=max(30.0, session_s),
        broker_request_timeout=max(15.0, session_s),
        # Often: what is acknowledged and not committed is repeated after a kill, and the embedded broker's publishers
        # stop when a group's commits lag.
        broker_commit_interval=0.5,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=1 << 20,
    )
    use_explicit_acknowledgement(app)
    return app
