"""Where Kafka is and how to reach it; checked without touching the network."""

from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from wire.payload_store import INLINE_LIMIT_BYTES, INLINE_LIMIT_EMBEDDED_BYTES

# What this package itself decides, because order, size limits and exactly-one-row rest on it.
_OWN: Final = frozenset({
    "acks", "batch.size", "bootstrap.servers", "client.id", "delivery.timeout.ms", "enable.auto.commit",
    "enable.idempotence", "group.id", "message.max.bytes", "message.timeout.ms", "metadata.broker.list", "partitioner",
    "queue.buffering.max.kbytes", "request.required.acks",
})  # fmt: skip

_NOTHING: Final = 0  # syslog's "emergency", which librdkafka never uses


class KafkaSettings(BaseModel):
    """A broker by its bootstrap servers. ``options`` are passed to librdkafka as they are: TLS, SASL, sockets.

    Every value of ``options`` is kept as a secret: passwords are among them, and nobody reads the others in a log.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap: str = Field(description="host:port of one broker or more, separated by commas")
    embedded: bool = Field(default=False, description="the broker is Lineside's own, which keeps 5 MiB per partition")
    options: dict[str, SecretStr] = Field(
        default_factory=dict, description="librdkafka settings, e.g. security.protocol"
    )

    @field_validator("bootstrap")
    @classmethod
    def _host_and_port(cls, bootstrap: str) -> str:
        for server in bootstrap.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError(f"{server.strip()!r} is not host:port")
        return bootstrap

    @field_validator("options", mode="before")
    @classmethod
    def _as_text(cls, options: Any) -> Any:
        return options_as_text(options)

    @model_validator(mode="after")
    def _own_options_untouched(self) -> Self:
        if taken := sorted(_OWN & self.options.keys()):
            raise ValueError(f"options: {', '.join(taken)} is decided by Lineside and cannot be set")
        return self

    @property
    def inline_limit_bytes(self) -> int:
        """Payloads above this size go through the object store, with a claim in Kafka."""
        return INLINE_LIMIT_EMBEDDED_BYTES if self.embedded else INLINE_LIMIT_BYTES

    def librdkafka(self) -> dict[str, str | int | float | bool]:
        """Settings of every client: where, how, and how eagerly it comes back after an outage. Secrets in clear."""
        return {
            "bootstrap.servers": self.bootstrap,
            # The default of 10 s would add as much to every outage of the broker; 1 s is no load for it.
            "reconnect.backoff.max.ms": 1000,
            # Brokers close idle connections; that is no news.
            "log.connection.close": "false",
            **{name: value.get_secret_value() for name, value in self.options.items()},
        }

    def librdkafka_quiet(self) -> dict[str, str | int | float | bool]:
        """Settings of a client whose every failure reaches its caller as an error: it logs nothing of its own."""
        return {**self.librdkafka(), "log_level": _NOTHING}

    def plain(self) -> dict[str, Any]:
        """Every field in clear, for the configuration file of a child process that only its owner may read."""
        return {
            "bootstrap": self.bootstrap,
            "embedded": self.embedded,
            "options": {name: value.get_secret_value() for name, value in self.options.items()},
        }


def options_as_text(options: Any) -> Any:
    """The values of librdkafka's settings as it takes them: YAML reads ``true`` and ``30000`` as such."""
    if not isinstance(options, dict):
        return options
    spelled = {True: "true", False: "false"}
    return {
        key: spelled[value] if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value
        for key, value in options.items()
    }
