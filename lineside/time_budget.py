"""A stretch of time that several steps share."""

import time


class TimeBudget:
    """Begins to run out when it is made."""

    def __init__(self, total_s: float) -> None:
        self._end_s = time.monotonic() + total_s

    @property
    def left_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end_s - time.monotonic())

    def at_most(self, share_s: float, *, keep_s: float = 0.0) -> float:
        """``share_s``, or less when that would leave fewer than ``keep_s`` seconds to the steps behind."""
        return max(0.0, min(share_s, self.left_s - keep_s))
