"""librdkafka's errors, translated: what the caller does next."""

import pytest
from confluent_kafka import KafkaError

from wire.errors import BadInput, BrokerUnavailable, LinesideError, MustStop
from wire.kafka.failures import translate


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (KafkaError._TRANSPORT, BrokerUnavailable, "t: Local: Broker transport failure (_TRANSPORT)"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, BrokerUnavailable, "t: Broker: Topic authorization failed"),
        (KafkaError.MSG_SIZE_TOO_LARGE, BadInput, "too_large: t: Broker: Message size too large"),
        (KafkaError._FATAL, MustStop, "t: Local: Fatal error (_FATAL)"),
    ],
)
def test_each_error_says_what_to_do_next(code: int, kind: type[LinesideError], message: str) -> None:
    error = translate(KafkaError(code), "t")
    assert type(error) is kind
    assert str(error).startswith(message)


def test_waiting_says_for_how_long() -> None:
    error = translate(KafkaError(KafkaError._TIMED_OUT), "t", retry_after_s=0.25)
    assert isinstance(error, BrokerUnavailable)
    assert error.retry_after_s == 0.25
