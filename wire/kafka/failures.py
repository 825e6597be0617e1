"""librdkafka's errors in the product's own words."""

from confluent_kafka import KafkaError

from wire.errors import BadInput, BrokerUnavailable, LinesideError, MustStop


def translate(error: KafkaError, what: str, *, retry_after_s: float = 1.0) -> LinesideError:
    """Name what to do about ``error``: BadInput('too_large'), MustStop when the client is beyond repair, else wait.

    A missing right or topic is waited for as well: people repair it while the connectors spool, and nothing is lost.
    """
    message = f"{what}: {error.str()} ({error.name()})"
    if error.code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
        # The broker's way of saying that an idempotent producer may write to no topic at all.
        message += "; give this user the right WRITE on topics that begin with 'lineside.'"
    if error.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG_SIZE):
        return BadInput("too_large", message)
    if error.code() == KafkaError._FATAL or error.fatal():  # noqa: SLF001 - how librdkafka names its own errors
        return MustStop(message)
    return BrokerUnavailable(message, retry_after_s=retry_after_s)
