"""Faust's consumer, made to commit nothing but what was settled on purpose.

Faust acknowledges by itself what it skips: leftovers of an earlier assignment, and what comes while its flow is
suspended. ``noack_take`` gives the stream its acknowledgements back when the agent fails, so that the stream's
background task acknowledges what it still reads: a worker that crashed at record 14 committed 72 (measured, 0.15.3).
And Faust commits over a hole of one record, and over any hole where nothing was committed before. So its own books
(``_acked``) are not used at all.
"""

import asyncio
from collections.abc import Iterator, Set
from typing import Any

import aiokafka
import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, Message

# How long the broker may hold an empty answer back. Faust's own 1.5 s is fixed. A real broker answers as soon as there
# is something; the embedded one looks again only when this time is over, so that it is the latency of each hop there.
# Larger: an operator waits. Smaller: an idle worker asks more often than 20 times a second.
_FETCH_WAIT_MS = 50
# How long a consumer rests after no broker has told it who leads its partitions. aiokafka asks again at once: while the
# broker was away a worker tried to connect 1500 times a second, a core of the machine the broker starts on (measured,
# 0.14). Larger: so much later it reads again.
_NOBODY_TOLD_S = 0.1


class PromptConsumerThread(AIOKafkaConsumerThread):
    """Faust's consumer thread, whose consumer does not wait long for records, and rests while there is no broker."""

    def _create_consumer(self, loop: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_consumer(loop)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS  # noqa: SLF001 - read at its start; Faust has no setting for it
        rest_when_nobody_tells(consumer._client)  # noqa: SLF001 - nor for this
        return consumer


def rest_when_nobody_tells(client: aiokafka.client.AIOKafkaClient) -> None:
    """Make ``client`` rest after each request for metadata that no broker answered."""
    ask = client._metadata_update  # noqa: SLF001 - its version is pinned

    async def ask_and_rest(*arguments: Any) -> bool:
        told: bool = await ask(*arguments)
        if not told:
            await asyncio.sleep(_NOBODY_TOLD_S)
        return told

    client._metadata_update = ask_and_rest  # noqa: SLF001


class ExplicitConsumer(Consumer):
    """A consumer that commits what ``settle`` was told, and nothing else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settled: dict[TP, int] = {}

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def ack(self, message: Message) -> bool:
        """Called by Faust when it believes that a record is done: it is not."""
        return False

    def settle(self, message: Message) -> None:
        """This record and all in front of it are done. Call it in the order of offsets."""
        self._settled[TP(message.topic, message.partition)] = message.offset + 1

    def committed_offset(self, tp: TP) -> int | None:
        """Where the group goes on in this partition; None if it never committed."""
        return self._committed_offset[tp]

    async def on_partitions_revoked(self, revoked: Set[TP]) -> None:
        """Forget what was settled: whoever gets the partitions begins at what was committed."""
        for tp in revoked:
            self._settled.pop(TP(tp.topic, tp.partition), None)
        await super().on_partitions_revoked(revoked)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in list(self._settled) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self._settled.get(tp)


class ExplicitTransport(Transport):
    """Faust's aiokafka transport with the consumer above."""

    Consumer = ExplicitConsumer


def use_explicit_acknowledgement(app: faust.App) -> None:
    """Give ``app`` this transport; before anything has asked for its own."""
    app.transport = ExplicitTransport(app.conf.broker_consumer, app)
