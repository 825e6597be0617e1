"""Reading a topic as it is, from its oldest kept record to its end: for people and tools, outside every group."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from wire.cloudevents import RawHeaders
from wire.errors import BrokerUnavailable
from wire.kafka.failures import translate
from wire.kafka.settings import KafkaSettings
from wire.timestamps import from_epoch_ms

# What a broker answers for a moment while a topic is new or its leader moves.
_LEADER_MOVES: Final = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
_LOOK_AGAIN_S: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class RawRecord:
    """One record byte for byte. ``timestamp`` is None where the broker kept none."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime | None
    key: bytes | None
    value: bytes | None
    headers: RawHeaders


def read_topic(settings: KafkaSettings, topic: str, *, timeout_s: float = 10.0) -> Iterator[RawRecord]:
    """Yield every record that ``topic`` has at this moment, in order within each partition.

    What is written while reading is left out. BrokerUnavailable if the broker does not answer for
    ``timeout_s``.
    """
    consumer = Consumer({
        **settings.librdkafka_quiet(),
        "group.id": f"lineside-reader-{uuid4()}",  # demanded by librdkafka; never joined, nothing is committed
        "enable.auto.commit": "false",
        "auto.offset.reset": "earliest",  # records that the broker drops while reading
    })  # fmt: skip
    try:
        yield from _read(consumer, topic, timeout_s)
    except KafkaException as error:
        raise translate(error.args[0], topic) from error
    finally:
        consumer.close()


def _read(consumer: Consumer, topic: str, timeout_s: float) -> Iterator[RawRecord]:
    metadata = consumer.list_topics(topic, timeout=timeout_s).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    ends: dict[int, int] = {}
    starts: list[TopicPartition] = []
    for number in sorted(metadata.partitions):
        first, behind_last = _watermarks(consumer, TopicPartition(topic, number), timeout_s)
        if behind_last > first:
            ends[number] = behind_last
            starts.append(TopicPartition(topic, number, first))
    consumer.assign(starts)
    while ends:
        message = consumer.poll(timeout_s)
        if message is None:
            raise BrokerUnavailable(f"{topic}: no record for {timeout_s:g} s, partitions {sorted(ends)} are unfinished")
        if message.error() is not None:
            raise KafkaException(message.error())
        record = raw_record(message)
        end = ends.get(record.partition, 0)  # 0: this partition is done, the record came later
        if record.offset < end:
            yield record
        if record.offset >= end - 1:
            ends.pop(record.partition, None)


def _watermarks(consumer: Consumer, partition: TopicPartition, timeout_s: float) -> tuple[int, int]:
    """(first offset, the one behind the last), from whoever leads the partition within ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return consumer.get_watermark_offsets(partition, timeout=timeout_s)
        except KafkaException as error:
            if error.args[0].code() not in _LEADER_MOVES or time.monotonic() > deadline:
                raise
            consumer.list_topics(partition.topic, timeout=timeout_s)  # librdkafka learns who leads now
            time.sleep(_LOOK_AGAIN_S)


def raw_record(message: Message) -> RawRecord:
    """A message of a consumer, without its client."""
    kind, milliseconds = message.timestamp()
    headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])  # a read record has no other shape
    return RawRecord(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp=from_epoch_ms(milliseconds) if kind else None,
        key=message.key(),
        value=message.value(),
        headers=headers,
    )
