"""How far a consumer group is behind, asked from outside the group."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from wire.kafka.failures import translate
from wire.kafka.settings import KafkaSettings

# Larger: a guard or a page waits longer to learn that the broker is away. Smaller: a broker under load counts as away.
_TIMEOUT_S: Final = 5.0
# Longer than a question takes that is answered; a process that ends may not wait for a broker that is away.
_CLOSE_S: Final = 1.0
# Two "times" that the protocol's ListOffsets knows beside real ones: the oldest record kept, the next one written.
_EARLIEST: Final = -2
_LATEST: Final = -1


@dataclass(frozen=True, kw_only=True)
class PartitionLag:
    """One partition as a group sees it. Offsets: ``start`` the oldest kept, ``end`` the next to be written.

    ``committed`` is where the group would go on, None if it never committed (it would begin at ``start``).
    """

    partition: int
    committed: int | None
    start: int
    end: int

    @property
    def messages(self) -> int:
        """How many kept messages the group has not finished."""
        return self.end - max(self.start, self.start if self.committed is None else self.committed)

    @property
    def lost(self) -> int:
        """How many messages the broker dropped before the group finished them."""
        return 0 if self.committed is None else max(0, self.start - self.committed)


class LagReader:
    """Asks one broker about groups that it never joins, on one connection per group. Thread-safe; ``close`` it.

    Through a consumer, not through the admin client: that one aborts the process (an assertion of librdkafka 2.16) when
    its request for a group's offsets times out while the broker is away.
    """

    def __init__(self, settings: KafkaSettings, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._consumers: dict[str, Consumer] = {}
        self._partitions: dict[str, list[int]] = {}

    def lags(self, topic: str, groups: Sequence[str]) -> dict[str, list[PartitionLag]]:
        """The lag of each group on every partition of ``topic``; BrokerUnavailable if the broker does not answer."""
        with self._lock:
            try:
                return {group: self._lag(self._consumer(group), topic) for group in groups}
            except KafkaException as error:
                raise translate(error.args[0], topic) from error

    def close(self) -> None:
        """Let go of the connections. While the broker keeps a question waiting they are left to the process's end."""
        if not self._lock.acquire(timeout=_CLOSE_S):
            return
        try:
            for consumer in self._consumers.values():
                consumer.close()
            self._consumers.clear()
        finally:
            self._lock.release()

    def _consumer(self, group: str) -> Consumer:
        if group not in self._consumers:
            own: dict[str, str | int | float | bool] = {"group.id": group, "enable.auto.commit": "false"}
            self._consumers[group] = Consumer(self._settings.librdkafka_quiet() | own)
        consumer = self._consumers[group]
        consumer.poll(0)  # what librdkafka says about the connection piles up until someone takes it
        return consumer

    def _lag(self, consumer: Consumer, topic: str) -> list[PartitionLag]:
        partitions = self._partitions_of(consumer, topic)
        # Committed offsets first: read the other way round, a fast group could be ahead of the end.
        asked = [TopicPartition(topic, number) for number in partitions]
        committed = _offsets(consumer.committed(asked, timeout=self._timeout_s))
        starts, ends = (
            _offsets(
                consumer.offsets_for_times(
                    [TopicPartition(topic, number, edge) for number in partitions], timeout=self._timeout_s
                )
            )
            for edge in (_EARLIEST, _LATEST)
        )
        return [
            PartitionLag(partition=number, committed=committed.get(number), start=starts[number], end=ends[number])
            for number in partitions
        ]

    def _partitions_of(self, consumer: Consumer, topic: str) -> list[int]:
        if topic not in self._partitions:
            metadata = consumer.list_topics(topic, timeout=self._timeout_s).topics[topic]
            if metadata.error is not None:
                raise KafkaException(metadata.error)
            self._partitions[topic] = sorted(metadata.partitions)
        return self._partitions[topic]


def _offsets(answers: Sequence[TopicPartition]) -> dict[int, int]:
    """Partition to offset, without those that have none."""
    for answer in answers:
        if answer.error is not None:
            raise KafkaException(answer.error)
    return {answer.partition: answer.offset for answer in answers if answer.offset >= 0}
