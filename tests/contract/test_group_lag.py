"""How far a group is behind, on both brokers."""

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.contract.brokers import PARTITIONS, Broker
from wire.errors import BrokerUnavailable
from wire.kafka.async_send import send_raw_and_wait
from wire.kafka.lag import LagReader, PartitionLag
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings


def commit(broker: Broker, group: str, topic: str, partition: int, offset: int) -> None:
    consumer = Consumer({**broker.settings.librdkafka_quiet(), "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, partition, offset)], asynchronous=False)
    consumer.close()


async def test_lag_is_what_the_group_has_not_committed(broker: Broker) -> None:
    topic = broker.create_topic()
    with KafkaSender(broker.settings, "test") as sender:
        for number in range(10):
            place = await send_raw_and_wait(sender, topic, b"k", str(number).encode(), [])
    commit(broker, f"ahead-{topic}", topic, place.partition, 7)
    reader = LagReader(broker.settings)
    lags = reader.lags(topic, [f"ahead-{topic}", f"new-{topic}"])
    reader.close()
    empty = [PartitionLag(partition=n, committed=None, start=0, end=0) for n in range(PARTITIONS)]
    for group, committed, behind in ((f"ahead-{topic}", 7, 3), (f"new-{topic}", None, 10)):
        expected = list(empty)
        expected[place.partition] = PartitionLag(partition=place.partition, committed=committed, start=0, end=10)
        assert lags[group] == expected
        assert [lag.messages for lag in expected if lag.partition == place.partition] == [behind]


def test_messages_that_the_broker_dropped_are_lost_and_no_longer_behind() -> None:
    overtaken = PartitionLag(partition=0, committed=5, start=8, end=10)
    assert (overtaken.messages, overtaken.lost) == (2, 3)
    assert PartitionLag(partition=0, committed=None, start=8, end=10).lost == 0
    assert PartitionLag(partition=0, committed=9, start=8, end=10).lost == 0


def test_a_broker_that_does_not_answer_is_unavailable() -> None:
    reader = LagReader(KafkaSettings(bootstrap="127.0.0.1:1"), timeout_s=0.2)
    with pytest.raises(BrokerUnavailable, match="x: "):
        reader.lags("x", ["g"])
    reader.close()
