"""Whose clock stamped a frame of a camera, and when that was. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from wire.timestamps import ClockOrigin

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# PTP counts TAI, which has been 37 s ahead of UTC since 2017; masters without a GPS often hand out UTC as it is.
_TAI_AHEAD_S: Final = (0, 37)
# A camera's clock that is further from the host's than this is not disciplined, whatever the camera says of itself. A
# host without NTP drifts by a second per day; a transfer takes milliseconds.
_MOST_APART_S: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """A moment with its origin."""

    at: datetime
    clock: ClockOrigin


def stamp(*, camera_ns: int, host_ns: int, synchronised: bool) -> Stamp:
    """The camera's PTP time where it is ``synchronised`` and near the host's (as UTC or as TAI), else the host's.

    Both in nanoseconds since 1970; ``host_ns`` is the arrival of the frame's first packet.
    """
    if synchronised:
        for ahead_s in _TAI_AHEAD_S:
            utc_ns = camera_ns - ahead_s * 1_000_000_000
            if abs(utc_ns - host_ns) <= _MOST_APART_S * 1e9:
                return Stamp(at=_moment(utc_ns), clock=ClockOrigin.PTP)
    return Stamp(at=_moment(host_ns), clock=ClockOrigin.HOST)


def _moment(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
