"""The embedded broker: a process of its own, errors on demand, and a clean end."""

import subprocess
import sys
import threading

import pytest
from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient

from tests.components.ports import is_listening
from tests.components.waiting import wait_until
from wire import topics
from wire.errors import BrokerUnavailable
from wire.event_sender import Acknowledgement
from wire.kafka.async_send import send_raw_and_wait
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.reader import read_topic
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings

PRODUCE, LIST_OFFSETS = 0, 2  # api keys of the Kafka protocol


def test_it_has_the_topics_it_was_given_with_their_partitions() -> None:
    with EmbeddedBroker(topics.with_dead_letters(), 3) as broker:
        found = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0}).list_topics(timeout=10).topics
    assert {name: len(topic.partitions) for name, topic in found.items()} == dict.fromkeys(
        topics.with_dead_letters(), 3
    )


def test_it_listens_on_the_loopback_address_until_it_is_stopped() -> None:
    broker = EmbeddedBroker([], 1)
    host, port = broker.bootstrap.split(":")
    assert host == "127.0.0.1"
    assert is_listening(int(port))
    broker.stop()
    broker.stop()
    assert not is_listening(int(port))


def test_two_brokers_know_nothing_of_each_other() -> None:
    with EmbeddedBroker(["a"], 1) as one, EmbeddedBroker(["b"], 1) as other:
        assert one.bootstrap != other.bootstrap
        for broker, topic in ((one, "a"), (other, "b")):
            assert list(read_topic(KafkaSettings(bootstrap=broker.bootstrap), topic)) == []


async def test_a_refused_produce_request_is_repeated_and_written_once() -> None:
    with EmbeddedBroker(["t"], 1) as broker:
        settings = KafkaSettings(bootstrap=broker.bootstrap)
        with KafkaSender(settings, "test") as sender:
            await send_raw_and_wait(sender, "t", None, b"first", [])
            broker.push_request_errors(PRODUCE, [KafkaError.REQUEST_TIMED_OUT, KafkaError.NOT_LEADER_FOR_PARTITION])
            assert isinstance(await send_raw_and_wait(sender, "t", None, b"second", []), Acknowledgement)
        assert [record.value for record in read_topic(settings, "t")] == [b"first", b"second"]


async def test_a_topic_whose_leader_moves_is_read_from_the_next_one() -> None:
    with EmbeddedBroker(["t"], 1) as broker:
        settings = KafkaSettings(bootstrap=broker.bootstrap)
        with KafkaSender(settings, "test") as sender:
            await send_raw_and_wait(sender, "t", None, b"first", [])
        broker.push_request_errors(LIST_OFFSETS, [KafkaError.NOT_LEADER_FOR_PARTITION] * 4)
        assert [record.value for record in read_topic(settings, "t")] == [b"first"]


def test_a_topic_that_nobody_leads_is_unavailable() -> None:
    with EmbeddedBroker(["t"], 1) as broker:
        broker.push_request_errors(LIST_OFFSETS, [KafkaError.LEADER_NOT_AVAILABLE] * 50)
        with pytest.raises(BrokerUnavailable, match="t: Failed to get watermark offsets"):
            list(read_topic(KafkaSettings(bootstrap=broker.bootstrap), "t", timeout_s=0.3))


@pytest.mark.parametrize(
    ("names", "partitions", "message"),
    [(["a", "a"], 1, "a: Broker: Topic already exists"), (["a"], 0, "0 partitions are too few for a topic")],
)
def test_topics_that_cannot_be_made_are_refused(names: list[str], partitions: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EmbeddedBroker(names, partitions)


def test_it_serves_from_a_process_that_does_nothing_else() -> None:
    program = (
        "import sys; from wire.kafka.embedded import EmbeddedBroker\n"
        "broker = EmbeddedBroker(['t'], 1); print(broker.bootstrap, flush=True); sys.stdin.read(); broker.stop()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        settings = KafkaSettings(bootstrap=process.stdout.readline().strip())
        told = threading.Event()
        with KafkaSender(settings, "test") as sender:
            sender.send_raw("t", None, b"x", [], lambda _: told.set())
            wait_until(told.is_set, 10, "an acknowledgement of the other process")
        assert [record.value for record in read_topic(settings, "t")] == [b"x"]
        process.stdin.close()
        assert process.wait(10) == 0
