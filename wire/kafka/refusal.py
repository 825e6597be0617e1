"""Why brokers do not let a client in: librdkafka tells it beside, while the client's own requests only time out."""

from typing import Final

from confluent_kafka import KafkaError

_REFUSALS: Final = (KafkaError._AUTHENTICATION, KafkaError._SSL)  # noqa: SLF001 - librdkafka's own errors
_REMEDY: Final = "check user, password, mechanism and ssl.ca.location in broker.options"


class Refusal:
    """Hand ``note`` to a client as its ``error_cb``. Written by librdkafka's callbacks, read from any thread."""

    def __init__(self) -> None:
        self._last: str | None = None

    def note(self, error: KafkaError) -> None:
        """Remember an error if it says that the client is not let in."""
        if error.code() in _REFUSALS:
            self._last = " ".join(error.str().split())

    def clear(self) -> None:
        """The client was let in."""
        self._last = None

    @property
    def reason(self) -> str | None:
        """The last refusal with what to do about it; None while there was none."""
        return None if self._last is None else f"{self._last}; {_REMEDY}"
