"""The benchmarks' own topics on a real broker, and the check that no plant uses that broker."""

from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from wire import topics
from wire.errors import BrokerUnavailable, ConfigurationError
from wire.kafka.settings import KafkaSettings

# Its existence says that the broker is the benchmarks': they fill the product's topics and commit for its groups.
MARKER: Final = "lineside.bench"
PUBLISH: Final = "lineside.bench.publish"
_TIMEOUT_S: Final = 30.0


def claim_broker(settings: KafkaSettings) -> None:
    """Mark the broker as the benchmarks' own. ConfigurationError if it carries a plant's topics."""
    admin = AdminClient(settings.librdkafka_quiet())
    try:
        existing = admin.list_topics(timeout=_TIMEOUT_S).topics
        if MARKER in existing:
            return
        taken = sorted(existing.keys() & set(topics.with_dead_letters()))
        if taken:
            raise ConfigurationError([
                f"--broker: {settings.bootstrap} has {', '.join(taken)}: the benchmarks would mix with a plant; "
                "give them a broker of their own"
            ])  # fmt: skip
        _create(admin, NewTopic(MARKER, num_partitions=1, replication_factor=-1))
    except KafkaException as error:
        raise BrokerUnavailable(f"{settings.bootstrap}: {error.args[0].str()}") from error


def make_publish_topic(settings: KafkaSettings) -> None:
    """An empty topic with one partition, as one line has, and the limits of ``lineside.frames``."""
    admin = AdminClient(settings.librdkafka_quiet())
    try:
        if PUBLISH not in admin.list_topics(timeout=_TIMEOUT_S).topics:
            config = {"max.message.bytes": str(1024 * 1024), "compression.type": "producer"}
            _create(admin, NewTopic(PUBLISH, num_partitions=1, replication_factor=-1, config=config))
    except KafkaException as error:
        raise BrokerUnavailable(f"{settings.bootstrap}: {error.args[0].str()}") from error


def delete_publish_topic(settings: KafkaSettings) -> None:
    """Free the disk that the measurements took."""
    admin = AdminClient(settings.librdkafka_quiet())
    try:
        admin.delete_topics([PUBLISH], operation_timeout=_TIMEOUT_S)[PUBLISH].result()
    except KafkaException as error:
        raise BrokerUnavailable(f"{settings.bootstrap}: {error.args[0].str()}") from error


def _create(admin: AdminClient, topic: NewTopic) -> None:
    admin.create_topics([topic], operation_timeout=_TIMEOUT_S)[topic.topic].result()
