"""Reading a topic as a member of a consumer group, with offsets committed when the reader says so, in order."""

from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from wire.errors import BrokerUnavailable
from wire.kafka.failures import translate
from wire.kafka.reader import RawRecord, raw_record
from wire.kafka.settings import KafkaSettings

# Shorter: a process that gets no CPU for some seconds loses its partitions; longer: another one waits as long for them.
_SESSION_MS: Final = 10_000
_NO_NEWS: Final = (KafkaError._PARTITION_EOF, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)  # noqa: SLF001


class GroupReader:
    """One member of ``group``. Delivers at least once; per partition in order. Used by one thread.

    A group without offsets begins at the topic's end: what it would do with older records came too late for them.
    ``done`` may be called in any order: committed is what has nothing open before it.
    """

    def __init__(self, settings: KafkaSettings, *, topic: str, group: str) -> None:
        self._topic = topic
        self._open: dict[int, dict[int, bool]] = {}  # partition → offset → whether it is done, in order
        self._consumer = Consumer({
            **settings.librdkafka(),
            "group.id": group,
            "client.id": group,
            "enable.auto.commit": "false",
            "auto.offset.reset": "latest",
            "session.timeout.ms": _SESSION_MS,
        })  # fmt: skip
        self._consumer.subscribe([topic], on_revoke=self._revoked)

    @property
    def is_assigned(self) -> bool:
        """Whether the group has given this member a partition."""
        return bool(self._consumer.assignment())

    def poll(self, timeout_s: float) -> RawRecord | None:
        """The next record, None if none came in time. BrokerUnavailable: call again."""
        try:
            message = self._consumer.poll(timeout_s)
        except KafkaException as error:
            raise translate(error.args[0], self._topic) from error
        if message is None:
            return None
        problem = message.error()
        if problem is not None:
            if problem.code() in _NO_NEWS:
                return None
            raise translate(problem, self._topic)
        return self._taken(message)

    def done(self, record: RawRecord) -> None:
        """Nothing more has to be done about this record; commits the prefix that is done."""
        offsets = self._open.get(record.partition, {})
        if record.offset not in offsets:
            return  # the partition was given to another member meanwhile, which reads it again
        offsets[record.offset] = True
        behind: int | None = None
        for offset in [*offsets]:
            if not offsets[offset]:
                break
            behind = offset + 1
            del offsets[offset]
        if behind is not None:
            self._commit(TopicPartition(self._topic, record.partition, behind))

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _taken(self, message: Message) -> RawRecord:
        record = raw_record(message)
        self._open.setdefault(record.partition, {})[record.offset] = False
        return record

    def _commit(self, offset: TopicPartition) -> None:
        try:
            self._consumer.commit(offsets=[offset], asynchronous=True)
        except KafkaException as error:
            raise BrokerUnavailable(f"{self._topic}: offsets cannot be committed: {error.args[0].str()}") from error

    def _revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            self._open.pop(one.partition, None)
