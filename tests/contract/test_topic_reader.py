"""Reading a topic from its beginning to its end, on both brokers."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.brokers import Broker
from wire.errors import BrokerUnavailable
from wire.kafka.async_send import send_raw_and_wait
from wire.kafka.reader import read_topic
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings


async def test_every_record_is_read_once_and_in_order_per_partition(broker: Broker) -> None:
    topic = broker.create_topic()
    with KafkaSender(broker.settings, "test") as sender:
        sent = [(str(n % 5).encode(), str(n).encode()) for n in range(50)]
        for key, value in sent:
            await send_raw_and_wait(sender, topic, key, value, [])
    records = list(read_topic(broker.settings, topic))
    assert sorted((record.key, record.value) for record in records) == sorted(sent)
    for partition in {record.partition for record in records}:
        own = [record for record in records if record.partition == partition]
        assert [record.offset for record in own] == list(range(len(own)))
    assert all(
        abs(datetime.now(UTC) - record.timestamp) < timedelta(minutes=5) for record in records if record.timestamp
    )
    assert all(record.timestamp for record in records)


async def test_what_is_written_while_reading_is_left_for_the_next_time(broker: Broker) -> None:
    topic = broker.create_topic()
    with KafkaSender(broker.settings, "test") as sender:
        for number in range(5):
            await send_raw_and_wait(sender, topic, b"k", str(number).encode(), [])
        reading = read_topic(broker.settings, topic)
        values = [next(reading).value]
        await send_raw_and_wait(sender, topic, b"k", b"late", [])
        values += [record.value for record in reading]
    assert values == [b"0", b"1", b"2", b"3", b"4"]


def test_an_empty_topic_has_no_records(broker: Broker) -> None:
    assert list(read_topic(broker.settings, broker.create_topic())) == []


def test_a_broker_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(BrokerUnavailable, match="x: "):
        list(read_topic(KafkaSettings(bootstrap="127.0.0.1:1"), "x", timeout_s=0.2))
