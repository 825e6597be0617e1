"""The producer that a programmer would write who has nothing but confluent-kafka: the measure of the publisher.

This file and ``bench_topics`` are the one place outside ``wire.kafka`` that imports confluent_kafka: what the product's
own wall costs can only be measured from the other side of it.
"""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from wire.errors import BrokerUnavailable
from wire.kafka.settings import KafkaSettings
from wire.payload_store import PayloadStore

# As confluent-kafka takes them.
KafkaHeaders = list[tuple[str, str | bytes | None]]

# The settings of wire.kafka.sender, spelled out: the sides shall differ in the code around librdkafka alone.
_SETTINGS: Final[dict[str, str | int]] = {
    "enable.idempotence": "true",
    "partitioner": "murmur2_random",
    "linger.ms": 5,
    "delivery.timeout.ms": 30_000,
    "queue.buffering.max.kbytes": 64 * 1024,
    "message.max.bytes": 2 * 1024 * 1024,
    "batch.size": 1_000_000,
    "client.id": "bare",
}
CHECKSUM_HEADER: Final = "ce_datasha256"
_FLUSH_S: Final = 60.0
_FULL_POLL_S: Final = 0.01


@dataclass(frozen=True, kw_only=True)
class BareRecord:
    """One record as it goes out; ``store_as``: the object that has to be written first, with ``payload`` in it.

    The header with that payload's checksum is not among ``headers``: nobody can know it beforehand.
    """

    key: bytes
    value: bytes
    headers: KafkaHeaders
    store_as: str | None = None
    payload: bytes = b""


class BareProducer:
    """Sends records in order with nothing but what every producer needs. ``close`` it."""

    def __init__(self, settings: KafkaSettings, topic: str, payloads: PayloadStore, *, object_puts: int) -> None:
        self._producer = Producer({**settings.librdkafka(), **_SETTINGS})
        self._topic = topic
        self._payloads = payloads
        self._object_puts = object_puts
        self._failure: KafkaError | None = None
        self._delivered = 0

    def send_all(self, records: Sequence[BareRecord]) -> None:
        """Return when the broker has all of them. BrokerUnavailable if it does not take one."""
        self._delivered = 0
        if any(record.store_as for record in records):
            self._put_and_produce(records)
        else:
            for record in records:
                self._produce(record)
        left = self._producer.flush(_FLUSH_S)
        if left or self._failure is not None or self._delivered != len(records):
            raise BrokerUnavailable(f"{self._topic}: {self._delivered} of {len(records)} delivered: {self._failure}")

    def close(self) -> None:
        """Let go of the broker."""
        self._producer.flush(_FLUSH_S)

    def _put_and_produce(self, records: Sequence[BareRecord]) -> None:
        """Write objects in parallel, produce in order; as many are under way as the publisher would hold."""
        under_way: deque[tuple[BareRecord, Future[str]]] = deque()
        with ThreadPoolExecutor(self._object_puts) as pool:
            for record in records:
                under_way.append((record, pool.submit(self._store, record)))
                while len(under_way) > 2 * self._object_puts or (under_way and under_way[0][1].done()):
                    self._produce_stored(*under_way.popleft())
            for item in under_way:
                self._produce_stored(*item)

    def _store(self, record: BareRecord) -> str:
        self._payloads.put(record.store_as or "", record.payload)
        return sha256(record.payload).hexdigest()

    def _produce_stored(self, record: BareRecord, stored: "Future[str]") -> None:
        checksum = stored.result().encode()
        self._produce(replace(record, headers=[*record.headers, (CHECKSUM_HEADER, checksum)]))

    def _produce(self, record: BareRecord) -> None:
        while True:
            try:
                self._producer.produce(
                    self._topic, record.value, record.key, on_delivery=self._on_delivery, headers=record.headers
                )
            except BufferError:
                self._producer.poll(_FULL_POLL_S)
            except KafkaException as error:
                raise BrokerUnavailable(f"{self._topic}: {error.args[0].str()}") from error
            else:
                self._producer.poll(0)
                return

    def _on_delivery(self, error: KafkaError | None, _message: Message) -> None:
        if error is None:
            self._delivered += 1
        else:
            self._failure = error
