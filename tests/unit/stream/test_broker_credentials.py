"""One security setting for producer and consumer."""

import pytest
from faust.types.auth import AuthProtocol

from stream.broker_credentials import faust_credentials
from wire.errors import ConfigurationError
from wire.kafka.settings import KafkaSettings


def settings(**options: str) -> KafkaSettings:
    return KafkaSettings(bootstrap="k:9092", options={name.replace("_", "."): value for name, value in options.items()})


def test_plain_connection_needs_no_credentials() -> None:
    assert faust_credentials(settings()) is None
    assert faust_credentials(settings(socket_keepalive_enable="true")) is None


def test_sasl_over_tls() -> None:
    credentials = faust_credentials(
        settings(security_protocol="SASL_SSL", sasl_mechanism="SCRAM-SHA-512", sasl_username="u", sasl_password="p")
    )
    assert credentials is not None
    assert credentials.protocol is AuthProtocol.SASL_SSL
    assert (credentials.username, credentials.password) == ("u", "p")  # type: ignore[attr-defined]


def test_tls_alone() -> None:
    credentials = faust_credentials(settings(security_protocol="ssl"))
    assert credentials is not None
    assert credentials.protocol is AuthProtocol.SSL


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ssl_cipher_suites": "x"}, "broker.options.ssl.cipher.suites: the consumer has no such setting"),
        ({"security_protocol": "magic"}, "'MAGIC' is not known"),
        ({"security_protocol": "sasl_ssl", "sasl_mechanism": "GSSAPI"}, "'GSSAPI' is none of PLAIN"),
        ({"security_protocol": "ssl", "ssl_ca_location": "/nowhere"}, "broker.options.ssl"),
    ],
)
def test_setting_that_cannot_be_translated_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        faust_credentials(settings(**options))
