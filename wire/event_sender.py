"""The port through which events leave a process."""

from collections.abc import Callable
from typing import Protocol

from wire.cloudevents import CloudEvent, RawHeaders
from wire.errors import LinesideError

# (topic partition, offset) of the acknowledged record, or the error that ended the attempt.
Delivered = Callable[["Acknowledgement | LinesideError"], None]


class Acknowledgement:
    """Where the broker put a record, once it said so; ``offset`` is -1 if it had the record from an earlier attempt."""

    __slots__ = ("offset", "partition", "topic")

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        self.topic = topic
        self.partition = partition
        self.offset = offset


class EventSender(Protocol):
    """Sends events to topics.

    At least once while the process lives; per key in order; loses what is unacknowledged when the process dies. An
    event whose attempt failed has left the order: sent again, it comes behind those sent since. Thread-safe.
    """

    def send(self, topic: str, key: str, event: CloudEvent, delivered: Delivered) -> None:
        """Queue one event; never blocks. ``delivered`` is called exactly once, from another thread.

        Raises, and then never calls it: BrokerUnavailable when the local queue is full, the sender closed or a reading
        group too far behind; BadInput('too_large') for a payload that needed a claim check; MustStop when it gave up.
        """

    def flush(self, timeout_s: float) -> int:
        """Wait until everything queued is acknowledged or failed; the number still open when time is up."""

    def close(self, timeout_s: float) -> int:
        """Flush, then stop the poll thread; the number of events that were given up (their callbacks got an error)."""


class RawSender(Protocol):
    """Sends records byte for byte, with the guarantees of ``EventSender``: dead letters and their replay."""

    def send_raw(
        self, topic: str, key: bytes | None, value: bytes | None, headers: RawHeaders, delivered: Delivered
    ) -> None:
        """Queue one record as it is; never blocks, fails like ``EventSender.send``."""
