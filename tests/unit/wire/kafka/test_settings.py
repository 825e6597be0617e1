"""Where Kafka is: every mistake is found without a network, and no secret is shown."""

import pytest
from pydantic import ValidationError

from wire.kafka.settings import KafkaSettings


def settings(**fields: object) -> KafkaSettings:
    return KafkaSettings.model_validate({"bootstrap": "kafka1:9092,kafka2:9092"} | fields)


def test_options_reach_librdkafka_as_text() -> None:
    options = {"security.protocol": "SSL", "enable.ssl.certificate.verification": True, "socket.timeout.ms": 30_000}
    passed = settings(options=options).librdkafka()
    assert passed["bootstrap.servers"] == "kafka1:9092,kafka2:9092"
    assert passed["security.protocol"] == "SSL"
    assert passed["enable.ssl.certificate.verification"] == "true"
    assert passed["socket.timeout.ms"] == "30000"


def test_an_option_wins_over_our_default() -> None:
    assert settings().librdkafka()["reconnect.backoff.max.ms"] == 1000
    assert settings(options={"reconnect.backoff.max.ms": 5000}).librdkafka()["reconnect.backoff.max.ms"] == "5000"


def test_a_password_is_never_shown() -> None:
    secret = settings(options={"sasl.password": "hunter2"})
    assert "hunter2" not in f"{secret!r} {secret.model_dump_json()}"
    assert secret.librdkafka()["sasl.password"] == "hunter2"


def test_payloads_travel_inline_up_to_the_brokers_limit() -> None:
    assert settings().inline_limit_bytes == 524_288
    assert settings(embedded=True).inline_limit_bytes == 32_768


@pytest.mark.parametrize("bootstrap", ["", "kafka", "kafka:", ":9092", "kafka:0", "kafka:70000", "a:1,b", "a:1,"])
def test_a_bootstrap_that_is_no_host_and_port_is_refused(bootstrap: str) -> None:
    with pytest.raises(ValidationError, match="is not host:port"):
        settings(bootstrap=bootstrap)


def test_what_order_and_idempotence_rest_on_cannot_be_set() -> None:
    with pytest.raises(ValidationError, match="options: acks, partitioner is decided by Lineside and cannot be set"):
        settings(options={"partitioner": "consistent", "acks": "0", "socket.timeout.ms": "1"})


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="brokers"):
        settings(brokers="a:1")


def test_options_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(ValidationError, match="valid dictionary"):
        settings(options=["sasl.password"])
