"""Events leaving a worker: each awaited until the broker has it, and dead letters byte for byte."""

from datetime import UTC, datetime
from typing import Protocol

from stream.patience import insist
from stream.steps.consumed import ConsumedRecord
from wire import topics
from wire.cloudevents import CloudEvent
from wire.errors import BadInput, LinesideError
from wire.event_sender import Acknowledgement, EventSender, RawSender
from wire.kafka.async_send import send_and_wait, send_raw_and_wait
from wire.timestamps import to_rfc3339

# An error message in a header is for people; a page of it would only make the dead letter too large.
_ERROR_MESSAGE_MAX = 500


class Sender(EventSender, RawSender, Protocol):
    """A sender of events that can also pass records on byte for byte."""


class Outbox:
    """Sends for one consumer group; retries while the broker is away, at most ``patience_s``, then raises."""

    def __init__(self, sender: Sender, *, group: str, patience_s: float) -> None:
        self._sender = sender
        self._group = group
        self._patience_s = patience_s

    async def put(self, topic: str, line: str, event: CloudEvent) -> Acknowledgement:
        """Send and wait until the broker has it. BrokerUnavailable when patience ends, BadInput('too_large')."""
        return await insist(lambda: send_and_wait(self._sender, topic, line, event), patience_s=self._patience_s)

    def post(self, topic: str, line: str, event: CloudEvent) -> None:
        """Send without waiting. It may get lost: only for what the next one of its kind makes up for."""
        try:
            self._sender.send(topic, line, event, lambda _: None)
        except LinesideError:
            return

    async def quarantine(self, record: ConsumedRecord, failure: BadInput) -> Acknowledgement:
        """Put a record into its topic's dead letter queue: key, value and headers as they came, plus ``dlq_*``."""
        about = {
            "dlq_topic": record.topic,
            "dlq_partition": str(record.partition),
            "dlq_offset": str(record.offset),
            "dlq_group": self._group,
            "dlq_error_type": failure.reason,
            "dlq_error_message": str(failure)[:_ERROR_MESSAGE_MAX],
            "dlq_attempt": "1",
            "dlq_time": to_rfc3339(datetime.now(UTC)),
        }
        headers = [
            *record.headers,
            *((name, text.encode("ascii", "backslashreplace")) for name, text in about.items()),
        ]
        dlq = topics.dlq(record.topic)
        return await insist(
            lambda: send_raw_and_wait(self._sender, dlq, record.key, record.value, headers), patience_s=self._patience_s
        )
