"""The benchmarks' own topics on a real broker, and the check that no plant uses that broker."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from wire import topics
from wire.errors import BrokerUnavailable, ConfigurationError
from wire.kafka.settings import KafkaSettings

# Its existence says that the broker is the benchmarks': they fill the product's topics and commit for its groups.
MARKER: Final = "lineside.bench"
PUBLISH: Final = "lineside.bench.publish"
_OURS: Final = (PUBLISH, *topics.with_dead_letters())
_TIMEOUT_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.1


@contextmanager
def claimed_broker(settings: KafkaSettings) -> Iterator[None]:
    """Mark the broker as the benchmarks' own; none of their topics is there at the beginning and at the end.

    ConfigurationError if it carries a plant's topics.
    """
    admin = AdminClient(settings.librdkafka_quiet())
    with _translated(settings):
        _claim(admin, settings)
        _delete(admin, _OURS)  # of a run that was killed: its backlog would be measured, too
    try:
        yield
    finally:
        with _translated(settings):
            _delete(admin, _OURS)


def make_publish_topic(settings: KafkaSettings) -> None:
    """An empty topic with one partition, as one line has, and the limits of ``lineside.frames``."""
    config = {"max.message.bytes": str(1024 * 1024), "compression.type": "producer"}
    with _translated(settings):
        _create(
            AdminClient(settings.librdkafka_quiet()),
            NewTopic(PUBLISH, num_partitions=1, replication_factor=-1, config=config),
        )


def _claim(admin: AdminClient, settings: KafkaSettings) -> None:
    existing = _names(admin)
    if MARKER in existing:
        return
    taken = sorted(existing & set(topics.with_dead_letters()))
    if taken:
        raise ConfigurationError([
            f"--broker: {settings.bootstrap} has {', '.join(taken)}: the benchmarks would mix with a plant; "
            "give them a broker of their own"
        ])  # fmt: skip
    _create(admin, NewTopic(MARKER, num_partitions=1, replication_factor=-1))


def _create(admin: AdminClient, topic: NewTopic) -> None:
    admin.create_topics([topic], operation_timeout=_TIMEOUT_S)[topic.topic].result()


def _delete(admin: AdminClient, names: Iterable[str]) -> None:
    """Delete those that exist and wait until the broker has forgotten them, their groups' offsets included."""
    doomed = _names(admin) & set(names)
    if not doomed:
        return
    for answer in admin.delete_topics([*doomed], operation_timeout=_TIMEOUT_S).values():
        answer.result()
    deadline = time.monotonic() + _TIMEOUT_S
    while left := _names(admin) & doomed:
        if time.monotonic() > deadline:
            raise BrokerUnavailable(f"the broker has not deleted {', '.join(sorted(left))} within {_TIMEOUT_S:g} s")
        time.sleep(_LOOK_EVERY_S)


def _names(admin: AdminClient) -> set[str]:
    return set(admin.list_topics(timeout=_TIMEOUT_S).topics)


@contextmanager
def _translated(settings: KafkaSettings) -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise BrokerUnavailable(f"{settings.bootstrap}: {error.args[0].str()}") from error
