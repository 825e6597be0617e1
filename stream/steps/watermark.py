"""How far a partition's time has come: the highest broker timestamp seen, or the end of a proven silence.

Device clocks play no part, so a camera whose clock is wrong neither closes parts early nor keeps them open.
"""


class Watermark:
    """Time of one partition, in seconds since 1970. It never goes back.

    A dead plant sends nothing, so its last part would wait for ever. Therefore the watermark also moves with the wall
    clock, but only when the broker says that nothing is left to read and the partition has been silent for ``idle_s``.
    Without that proof a slow worker, or a broker that is away, would look like a dead plant.
    """

    def __init__(self, *, idle_s: float) -> None:
        self._idle_s = idle_s
        self._value_s = float("-inf")
        self._highest_s = float("-inf")
        self._next_offset = 0
        self._silent_since_s = float("inf")

    @property
    def value_s(self) -> float:
        """The time that has surely passed; minus infinity before the first record."""
        return self._value_s

    def observe(self, offset: int, broker_time_s: float, now_s: float) -> float:
        """Take a record into account; ``now_s`` is a monotonic clock. Returns the watermark."""
        self._next_offset = max(self._next_offset, offset + 1)
        self._highest_s = max(self._highest_s, broker_time_s)
        self._value_s = max(self._value_s, self._highest_s)
        self._silent_since_s = now_s
        return self._value_s

    def is_silent(self, now_s: float) -> bool:
        """Whether nothing has come for ``idle_s``: worth asking the broker for its end."""
        return now_s - self._silent_since_s >= self._idle_s

    def prove_silence(self, end_offset: int, asked_at_s: float) -> float:
        """The broker said at ``asked_at_s`` that its next offset is ``end_offset``. Returns the watermark."""
        silent_s = asked_at_s - self._silent_since_s
        if end_offset <= self._next_offset and silent_s >= self._idle_s:
            self._value_s = max(self._value_s, self._highest_s + silent_s)
        return self._value_s
