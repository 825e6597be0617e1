"""A publisher stops before the embedded broker drops what its readers have not read, and goes on when they have."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.components.group_lag import group_lag
from tests.components.waiting import wait_until
from tests.unit.stream.made_records import heartbeat_event
from wire import topics
from wire.errors import BrokerUnavailable
from wire.event_sender import Acknowledgement
from wire.kafka.embedded import RETAINED_BYTES, EmbeddedBroker
from wire.kafka.lag import PartitionLag
from wire.kafka.lag_guard import LAG_LIMIT_BYTES, LagGuard
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings

KEY = b"site.area.line"
FRAME = bytes(30_000)


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(topics.with_dead_letters(), 4) as embedded:
        yield embedded


@pytest.fixture
def settings(broker: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap=broker.bootstrap, embedded=True)


class Publisher:
    """Publishes until it is told that a reader lags: waiting as it is told when it only went too fast."""

    def __init__(self, settings: KafkaSettings, value: bytes = FRAME, topic: str = topics.FRAMES) -> None:
        self.sender = KafkaSender(settings, "test")
        self.published = 0
        self._value = value
        self._topic = topic

    def publish(self) -> str | None:
        """Publish what is let through now; the reason if a lagging reader stopped it."""
        try:
            for _ in range(2000):
                self.sender.send_raw(self._topic, KEY, self._value, [], lambda _: None)
                self.published += 1
        except BrokerUnavailable as refusal:
            if "bytes behind" in str(refusal):
                return str(refusal)
        return None


def frames_lag(settings: KafkaSettings, group: str = topics.GROUP_INSPECT, topic: str = topics.FRAMES) -> PartitionLag:
    return max(group_lag(settings, group, topic), key=lambda lag: lag.end)


def commit(settings: KafkaSettings, group: str, topic: str, offset: int, partition: int) -> None:
    consumer = Consumer({**settings.librdkafka_quiet(), "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, partition, offset)], asynchronous=False)
    consumer.close()


def test_a_publisher_without_readers_stops_before_anything_is_dropped(settings: KafkaSettings) -> None:
    publisher = Publisher(settings)

    def stopped_close_to_the_limit() -> str | None:
        """A healthy line shall not be stopped either: what the broker has not acknowledged counts twice for a while."""
        refusal = publisher.publish()
        return refusal if publisher.published * len(FRAME) > 0.9 * LAG_LIMIT_BYTES else None

    with publisher.sender:
        refusal = wait_until(stopped_close_to_the_limit, 30, "the guard to stop the publisher close to the limit")
        assert publisher.sender.flush(10) == 0
    assert "lineside.frames: lineside-inspect is " in refusal
    assert "bytes behind, the embedded broker allows 2097152" in refusal
    lag = frames_lag(settings)
    assert (lag.start, lag.end) == (0, publisher.published)
    assert publisher.published * len(FRAME) <= LAG_LIMIT_BYTES


def test_several_publishers_of_different_sizes_stop_before_anything_is_dropped(settings: KafkaSettings) -> None:
    publishers = [Publisher(settings, bytes(size)) for size in (30_000, 30_000, 3_000, 100)]
    stopped = [False] * len(publishers)

    def all_stopped() -> bool:
        for at, publisher in enumerate(publishers):
            stopped[at] = publisher.publish() is not None or stopped[at]
        return all(stopped)

    try:
        wait_until(all_stopped, 60, "the guard to stop every publisher")
    finally:
        for publisher in publishers:
            publisher.sender.close(10)
    lag = frames_lag(settings)
    assert (lag.start, lag.end) == (0, sum(publisher.published for publisher in publishers))


def test_heartbeats_pass_where_frames_are_refused_up_to_a_limit_of_their_own(settings: KafkaSettings) -> None:
    publisher = Publisher(settings)
    with publisher.sender:
        wait_until(publisher.publish, 30, "the guard to stop the publisher")
        delivered: list[object] = []
        publisher.sender.send(topics.FRAMES, KEY.decode(), heartbeat_event("0-9"), delivered.append)
        assert publisher.sender.flush(10) == 0
        assert isinstance(delivered[0], Acknowledgement)
        assert "the embedded broker allows 2097152" in str(publisher.publish())
        flood = heartbeat_event(",".join(map(str, range(0, 80_000, 2))))  # 450 kB: twice is more than the guard grants

        def refusal() -> str | None:
            try:
                publisher.sender.send(topics.FRAMES, KEY.decode(), flood, delivered.append)
            except BrokerUnavailable as refused:
                return str(refused) if "bytes behind" in str(refused) else None
            return None

        assert "the embedded broker allows 3145728" in wait_until(refusal, 30, "the guard to stop heartbeats, too")


def test_a_publisher_goes_on_when_its_readers_have_caught_up(settings: KafkaSettings) -> None:
    publisher = Publisher(settings)
    with publisher.sender:
        wait_until(publisher.publish, 30, "the guard to stop the publisher")
        publisher.sender.flush(10)
        before = publisher.published
        lag = frames_lag(settings)
        commit(settings, topics.GROUP_INSPECT, topics.FRAMES, lag.end, lag.partition)
        wait_until(lambda: (publisher.publish(), publisher.published > before)[1], 10, "the guard to let it go on")


def test_the_slowest_of_several_groups_decides(settings: KafkaSettings) -> None:
    publisher = Publisher(settings, topic=topics.RESULTS)
    with publisher.sender:
        wait_until(publisher.publish, 30, "the guard to stop the publisher")
        publisher.sender.flush(10)
        lag = frames_lag(settings, topics.GROUP_STORE, topics.RESULTS)
        commit(settings, topics.GROUP_STORE, topics.RESULTS, lag.end, lag.partition)
        refusal = wait_until(
            lambda: (text := publisher.publish()) and "lineside-describe is " in text and text, 10, "the other group"
        )
    assert refusal


def test_what_others_published_counts_once_the_broker_has_dropped_something(settings: KafkaSettings) -> None:
    # Without a guard: 200 frames of 30 kB do not fit into 5 MiB; the group has read none of them.
    with KafkaSender(KafkaSettings(bootstrap=settings.bootstrap), "careless") as careless:
        for _ in range(200):
            careless.send_raw(topics.FRAMES, KEY, FRAME, [], lambda _: None)
            careless.flush(10)
    lag = frames_lag(settings)
    assert lag.start > 0
    publisher = Publisher(settings, b"small")
    with publisher.sender:
        wait_until(publisher.publish, 10, "the guard to see the whole partition unread")
    assert publisher.published * 1030 < RETAINED_BYTES - LAG_LIMIT_BYTES


def test_dead_letters_are_never_refused_and_the_log_says_when_the_oldest_go(
    settings: KafkaSettings, caplog: pytest.LogCaptureFixture
) -> None:
    topic = topics.dlq(topics.FRAMES)
    publisher = Publisher(settings, topic=topic)
    with publisher.sender:
        assert publisher.publish() is None
        assert publisher.published == 2000
    assert [record.getMessage() for record in caplog.records if record.name == "wire.kafka.lag_guard"] == [
        f"{topic}: the embedded broker drops its oldest messages from here on; a real one keeps them"
    ]


@pytest.mark.slow  # the lag must be unknown for five seconds
def test_an_unknown_lag_stops_the_publisher(broker: EmbeddedBroker, settings: KafkaSettings) -> None:
    guard = LagGuard(settings)
    settle = guard.admit(topics.FRAMES, 10)
    assert settle is not None
    settle()
    broker.set_down()

    def refusal() -> str | None:
        try:
            guard.admit(topics.FRAMES, 10)
        except BrokerUnavailable as unknown:
            return str(unknown)
        return None

    assert wait_until(refusal, 15, "a refusal") == "lineside.frames: the readers' lag has been unknown for 5 s"
    broker.set_up()
    wait_until(lambda: refusal() is None, 15, "the guard to look again")
    guard.close()
