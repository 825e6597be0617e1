"""The lives of a PLC's clock: when it is set, times before and after do not compare. Pure: no clock of its own.

A PLC that boots without network begins in 1970, another is set by hand, a third follows a time server that was wrong.
Within a life source times order values; between lives only the order in which they came does.
"""

from datetime import datetime
from typing import Final

# Steps below it are a clock that is disciplined (NTP steps at 0.128 s at the least), and values that several writers of
# one tag stamp out of order; a window with one is out by as much.
_STEP_S: Final = 2.0


class PlcClock:
    """Says of each value in which life of the clock it was stamped. Values of a tag come in their true order."""

    def __init__(self, *, settle_s: float) -> None:
        """``settle_s``: how far values of one moment may come apart, by the slowest subscription."""
        self._settle_s = settle_s
        self._life = 0
        # The clock's lead over the host's monotonic one, as large as was heard: delays only make it look smaller.
        self._lead_s: float | None = None
        self._lead_before_s: float | None = None
        self._set_s = float("-inf")
        self._newest: dict[str, tuple[int, datetime]] = {}

    def life_of(self, tag: str, at: datetime, now_s: float) -> int:
        """The life of a value that was stamped ``at`` and comes now; a later one is a larger number."""
        newest = self._newest.get(tag)
        lead_s = at.timestamp() - now_s
        if newest is None:  # of any age: it may have held for days
            life = self._life
        elif self._is_from_before(lead_s, now_s):
            life = self._life - 1
        else:
            life = self._judge(newest, at, lead_s, now_s)
            self._lead_s = lead_s if self._lead_s is None else max(self._lead_s, lead_s)
        if newest is None or (life, at) > newest:
            self._newest[tag] = (life, at)
        return life

    def _is_from_before(self, lead_s: float, now_s: float) -> bool:
        """Whether it was stamped before the clock was set, a moment ago, and comes behind a value of another tag."""
        if self._lead_s is None or self._lead_before_s is None or now_s - self._set_s > self._settle_s:
            return False
        return abs(lead_s - self._lead_before_s) < abs(lead_s - self._lead_s)

    def _judge(self, newest: tuple[int, datetime], at: datetime, lead_s: float, now_s: float) -> int:
        life, newest_at = newest
        set_forward = self._lead_s is not None and lead_s > self._lead_s + _STEP_S
        set_back = life == self._life and (newest_at - at).total_seconds() > _STEP_S
        if set_forward or set_back:
            self._life += 1
            self._lead_before_s, self._lead_s = self._lead_s, lead_s
            self._set_s = now_s
        return self._life
