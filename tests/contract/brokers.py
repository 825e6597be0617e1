"""Brokers under one face for the contract of the event sender: the embedded one and Apache Kafka."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from tests.components.kafka import RealKafka
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.settings import KafkaSettings

PARTITIONS = 4


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A running broker; ``stop`` cuts it off without warning, ``start`` brings it back with what it had."""

    settings: KafkaSettings
    create_topic: Callable[[], str]
    stop: Callable[[], None]
    start: Callable[[], object]


def real_broker(kafka: RealKafka) -> Broker:
    def create_topic() -> str:
        name = f"contract-{uuid4()}"
        kafka.create_topic(name, partitions=PARTITIONS)
        return name

    settings = KafkaSettings(bootstrap=kafka.bootstrap)
    return Broker(settings=settings, create_topic=create_topic, stop=kafka.kill, start=kafka.start)


@contextmanager
def embedded_broker() -> Iterator[Broker]:
    topics = [f"contract-{uuid4()}" for _ in range(3)]
    with EmbeddedBroker(topics, PARTITIONS) as broker:
        settings = KafkaSettings(bootstrap=broker.bootstrap, embedded=True)
        yield Broker(settings=settings, create_topic=topics.pop, stop=broker.set_down, start=broker.set_up)
