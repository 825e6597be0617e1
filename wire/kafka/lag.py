"""How far a consumer group is behind, asked from outside the group."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from wire.kafka.failures import translate
from wire.kafka.settings import KafkaSettings

# Larger: a guard or a page waits longer to learn that the broker is away. Smaller: a broker under load counts as away.
_TIMEOUT_S: Final = 5.0
_EARLIEST: Final[OffsetSpec] = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: Final[OffsetSpec] = OffsetSpec.latest()  # type: ignore[no-untyped-call]


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
    """Asks one broker about any group, on one connection, without joining. Thread-safe."""

    def __init__(self, settings: KafkaSettings, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._admin = AdminClient(settings.librdkafka_quiet())
        self._partitions: dict[str, list[TopicPartition]] = {}

    def lags(self, topic: str, groups: Sequence[str]) -> dict[str, list[PartitionLag]]:
        """The lag of each group on every partition of ``topic``; BrokerUnavailable if the broker does not answer."""
        try:
            partitions = self._partitions_of(topic)
            # Committed offsets first: read the other way round, a fast group could be ahead of the end.
            committed = {group: self._committed(group, partitions) for group in groups}
            starts = self._offsets(partitions, _EARLIEST)
            ends = self._offsets(partitions, _LATEST)
        except KafkaException as error:
            raise translate(error.args[0], topic) from error
        return {
            group: [
                PartitionLag(partition=number, committed=committed[group].get(number), start=starts[number], end=end)
                for number, end in sorted(ends.items())
            ]
            for group in groups
        }

    def _partitions_of(self, topic: str) -> list[TopicPartition]:
        if topic not in self._partitions:
            metadata = self._admin.list_topics(topic, timeout=self._timeout_s).topics[topic]
            if metadata.error is not None:
                raise KafkaException(metadata.error)
            self._partitions[topic] = [TopicPartition(topic, number) for number in metadata.partitions]
        return self._partitions[topic]

    def _committed(self, group: str, partitions: list[TopicPartition]) -> dict[int, int]:
        request = [ConsumerGroupTopicPartitions(group, partitions)]
        answer = self._admin.list_consumer_group_offsets(request, request_timeout=self._timeout_s)[group].result()
        return {item.partition: item.offset for item in answer.topic_partitions if item.offset >= 0}

    def _offsets(self, partitions: list[TopicPartition], spec: OffsetSpec) -> dict[int, int]:
        answers: dict[TopicPartition, Future[Any]] = self._admin.list_offsets(
            dict.fromkeys(partitions, spec), request_timeout=self._timeout_s
        )
        return {partition.partition: answer.result().offset for partition, answer in answers.items()}


def group_lag(settings: KafkaSettings, group: str, topic: str) -> list[PartitionLag]:
    """The lag of one group on one topic, once; BrokerUnavailable if the broker does not answer."""
    return LagReader(settings).lags(topic, [group])[group]
