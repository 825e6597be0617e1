"""librdkafka's security settings in Faust's terms, so that one setting serves producer and consumer."""

import ssl

import faust
from faust.types.auth import CredentialsT

from wire.errors import ConfigurationError
from wire.kafka.settings import KafkaSettings

_KNOWN = frozenset({
    "security.protocol", "ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.key.password",
    "ssl.endpoint.identification.algorithm", "sasl.mechanism", "sasl.mechanisms", "sasl.username", "sasl.password",
})  # fmt: skip
_SECURITY_PREFIXES = ("ssl.", "sasl.", "security.", "enable.ssl")
_SASL_MECHANISMS = frozenset({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"})


def faust_credentials(broker: KafkaSettings) -> CredentialsT | None:
    """Credentials for the consumer; None without TLS and SASL.

    ConfigurationError for a security setting that the consumer has no equivalent of: connecting without it would be
    less secure than what was asked for.
    """
    options = {name: secret.get_secret_value() for name, secret in broker.options.items()}
    unknown = sorted(name for name in options if name.startswith(_SECURITY_PREFIXES) and name not in _KNOWN)
    if unknown:
        raise ConfigurationError([f"broker.options.{name}: the consumer has no such setting" for name in unknown])
    protocol = options.get("security.protocol", "plaintext").upper()
    context = _ssl_context(options) if protocol in ("SSL", "SASL_SSL") else None
    if protocol == "PLAINTEXT":
        return None
    if protocol == "SSL" and context is not None:
        return faust.SSLCredentials(context)
    if protocol not in ("SASL_PLAINTEXT", "SASL_SSL"):
        raise ConfigurationError([f"broker.options.security.protocol: {protocol!r} is not known"])
    mechanism = options.get("sasl.mechanism") or options.get("sasl.mechanisms") or ""
    if mechanism not in _SASL_MECHANISMS:
        known = ", ".join(sorted(_SASL_MECHANISMS))
        raise ConfigurationError([f"broker.options.sasl.mechanism: {mechanism!r} is none of {known}"])
    return faust.SASLCredentials(
        username=options.get("sasl.username", ""),
        password=options.get("sasl.password", ""),
        mechanism=mechanism,
        ssl_context=context,
    )


def _ssl_context(options: dict[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.get("ssl.ca.location"))
        if certificate := options.get("ssl.certificate.location"):
            context.load_cert_chain(certificate, options.get("ssl.key.location"), options.get("ssl.key.password"))
    except OSError as error:
        raise ConfigurationError([f"broker.options.ssl: {error}"]) from error
    if options.get("ssl.endpoint.identification.algorithm") == "none":
        context.check_hostname = False
    return context
