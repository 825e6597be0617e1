"""How fast the spool is drained beside new events, so that those keep their way free. Pure: time is an argument."""

from typing import Final

# Bytes of the spool on their way begin here and adapt: on a slow link 16 MiB would be in front of a new event for
# seconds, with a few KiB a fast one would be idle between two acknowledgements.
_FIRST_BYTES: Final = 1024 * 1024
_FEWEST_BYTES: Final = 64 * 1024
# What the spool puts in front of a new event. Longer delays every verdict; shorter makes a broker's ordinary pauses
# (a flush, a young collection) look like a slow link.
_QUICK_S: Final = 0.1
_SLOW_S: Final = 0.3
# Without a new event for so long the line stands still, and the drain has no one to wait for.
_STANDSTILL_S: Final = 10.0
# Shares that a slow link left unused; more would be a burst in front of new events once it is quick again.
_MOST_CREDIT: Final = 1000.0


class DrainPace:
    """Lets ``per_new`` events of the spool pass for each new one, and no more bytes at once than the link swallows.

    The first keeps the workers' time for the new ones: they read both from one partition, in order, so a drain at the
    link's speed would only move the queue into Kafka. The second keeps the connector's own link free.
    """

    def __init__(self, *, per_new: float, most_events: int, most_bytes: int) -> None:
        self._per_new = per_new
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._window_bytes = min(_FIRST_BYTES, most_bytes)
        self._credit = 0.0
        self._new_at_s = float("-inf")

    @property
    def window_bytes(self) -> int:
        """How many bytes of the spool may be on their way at once."""
        return self._window_bytes

    def new_arrived(self, now_s: float) -> None:
        """A new event came, whether it can be sent or not: the line runs."""
        self._new_at_s = now_s

    def new_sent(self) -> None:
        """A new event was sent: so many of the spool may follow."""
        self._credit = min(self._credit + self._per_new, _MOST_CREDIT)

    def allows(self, now_s: float, *, events: int, size: int) -> bool:
        """Whether one more may be sent while ``events`` with ``size`` bytes are on their way."""
        if events and (events >= self._most_events or size >= self._window_bytes):
            return False
        return self._credit >= 1.0 or now_s - self._new_at_s > _STANDSTILL_S

    def drained(self) -> None:
        """One of the spool was sent."""
        self._credit = max(0.0, self._credit - 1.0)

    def acknowledged(self, size: int, waited_s: float) -> None:
        """One of the spool was acknowledged ``waited_s`` after it was sent."""
        if waited_s > _SLOW_S:
            self._window_bytes = max(_FEWEST_BYTES, self._window_bytes // 2)
        elif waited_s < _QUICK_S:
            self._window_bytes = min(self._most_bytes, self._window_bytes + size)
