"""Sends dead letters to their topic again, exactly as they first came."""

from collections.abc import Iterable
from typing import Final

from wire.errors import BrokerUnavailable, LinesideError
from wire.event_sender import Acknowledgement
from wire.kafka.reader import RawRecord
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings

# What quarantine added; the rest is the original's.
_ADDED: Final = "dlq_"
_TIMEOUT_S: Final = 60.0


def send_again(settings: KafkaSettings, letters: Iterable[RawRecord], topic: str) -> int:
    """Send each letter with its original key, bytes and headers; the number acknowledged.

    An event keeps its id, so whatever else is known of it collapses with it. BrokerUnavailable if not all arrived.
    """
    outcomes: list[Acknowledgement | LinesideError] = []
    count = 0
    sender = KafkaSender(settings, client_id="lineside-dlq-replay")
    try:
        for letter in letters:
            headers = [(name, value) for name, value in letter.headers if not name.startswith(_ADDED)]
            sender.send_raw(topic, letter.key, letter.value, headers, outcomes.append)
            count += 1
    finally:
        sender.close(_TIMEOUT_S)
    acknowledged = sum(isinstance(outcome, Acknowledgement) for outcome in outcomes)
    if acknowledged < count:
        raise BrokerUnavailable(f"{topic}: the broker took {acknowledged} of {count} letters; the same command repeats")
    return acknowledged
