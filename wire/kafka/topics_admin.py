"""The topics a broker must have, and which broker it is."""

import time
from collections.abc import Iterable
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from wire import topics
from wire.errors import BrokerUnavailable, ConfigurationError, LinesideError
from wire.kafka.failures import translate
from wire.kafka.refusal import Refusal
from wire.kafka.settings import KafkaSettings

# Larger: a start against a broker that is away hangs. Smaller: a broker that is just starting counts as away.
_TIMEOUT_S: Final = 10.0
# A broker makes two hundred partitions one after the other, each with files that are synced: over ten seconds on a
# machine whose cores and disk were busy. Larger: a broker that refuses without a word is noticed later.
_CREATED_WITHIN_S: Final = 60.0
_LOOK_AGAIN_S: Final = 0.05  # a broker learns of a topic within milliseconds
_TIMESTAMP_TYPE: Final = "message.timestamp.type"
_LOG_APPEND_TIME: Final = "LogAppendTime"
# A message may have 1 MiB; as a dead letter it carries headers on top, so its topic takes twice as much.
_MESSAGE_BYTES: Final = 1024 * 1024


def ensure_topics(settings: KafkaSettings, partitions: int, *, timeout_s: float = _TIMEOUT_S) -> list[str]:
    """Create those of Lineside's topics that are missing, with the broker's own replication; their names.

    Timestamps are the broker's: parts become due by them, and devices' clocks differ. ConfigurationError if a topic
    exists with its producers' timestamps, or the broker does not let us in or make one; BrokerUnavailable if it does
    not answer. The embedded broker makes its topics itself (one clock there, the host's): nothing to do.
    """
    if settings.embedded:
        return []
    admin, refusal = _admin(settings)
    try:
        existing = admin.list_topics(timeout=timeout_s).topics
        _check_timestamps(admin, [name for name in topics.ALL if name in existing])
        missing = [name for name in topics.with_dead_letters() if name not in existing]
        created = [name for name in missing if _create(admin, name, partitions)]
        _wait_for(admin, missing)
    except KafkaException as error:
        raise _failure(error, settings, admin, refusal) from error
    return created


def cluster_id(settings: KafkaSettings, *, timeout_s: float = _TIMEOUT_S) -> str:
    """Name the cluster, so that offsets are never compared with another's.

    BrokerUnavailable if it does not answer, ConfigurationError if it does not let us in.
    The embedded broker's own id may repeat from one life to the next; with its port it does not.
    """
    admin, refusal = _admin(settings)
    try:
        name = str(admin.list_topics(timeout=timeout_s).cluster_id)
    except KafkaException as error:
        raise _failure(error, settings, admin, refusal) from error
    return f"{name}@{settings.bootstrap}" if settings.embedded else name


def _admin(settings: KafkaSettings) -> tuple[AdminClient, Refusal]:
    refusal = Refusal()
    options: dict[str, object] = {**settings.librdkafka_quiet(), "error_cb": refusal.note}
    try:
        return AdminClient(options), refusal  # type: ignore[arg-type]  # its stub knows no callbacks
    except KafkaException as error:
        raise ConfigurationError([f"broker.options: {error.args[0].str()}"]) from error


def _failure(error: KafkaException, settings: KafkaSettings, admin: AdminClient, refusal: Refusal) -> LinesideError:
    """ConfigurationError where no broker lets us in: waiting changes nothing about a password."""
    admin.poll(0)  # calls back what librdkafka had to say
    if refusal.reason is not None:
        return ConfigurationError([f"broker {settings.bootstrap}: {refusal.reason}"])
    return translate(error.args[0], settings.bootstrap)


def _create(admin: AdminClient, name: str, partitions: int) -> bool:
    limit = _MESSAGE_BYTES if name in topics.ALL else 2 * _MESSAGE_BYTES
    config = {_TIMESTAMP_TYPE: _LOG_APPEND_TIME, "max.message.bytes": str(limit), "compression.type": "producer"}
    topic = NewTopic(name, num_partitions=partitions, replication_factor=-1, config=config)
    created = admin.create_topics([topic], request_timeout=_CREATED_WITHIN_S)
    try:
        created[name].result()
    except KafkaException as error:
        if error.args[0].code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED):
            raise ConfigurationError([
                f"topic {name}: this user may not create it; give it the right CREATE on topics that begin with "
                "'lineside.', or create the topics yourself"
            ]) from error  # fmt: skip
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        return False  # another process was faster
    return True


def _wait_for(admin: AdminClient, names: Iterable[str]) -> None:
    """Wait until clients can see the topics, which a broker learns a moment after they were created."""
    deadline = time.monotonic() + _CREATED_WITHIN_S
    while unseen := set(names) - admin.list_topics(timeout=_TIMEOUT_S).topics.keys():
        if time.monotonic() > deadline:
            raise BrokerUnavailable(
                f"topics {', '.join(sorted(unseen))} were created and did not appear within {_CREATED_WITHIN_S:g} s"
            )
        time.sleep(_LOOK_AGAIN_S)


def _check_timestamps(admin: AdminClient, names: Iterable[str]) -> None:
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    if not resources:  # a request about nothing is an error
        return
    problems = []
    for resource, answer in admin.describe_configs(resources, request_timeout=_TIMEOUT_S).items():
        value = answer.result()[_TIMESTAMP_TYPE].value
        if value != _LOG_APPEND_TIME:
            problems.append(f"topic {resource.name}: {_TIMESTAMP_TYPE} is {value}, set it to {_LOG_APPEND_TIME}")
    if problems:
        raise ConfigurationError(problems)
