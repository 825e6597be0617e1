"""Moments: aware UTC datetimes, RFC 3339 on the wire, and which clock stamped them."""

from datetime import UTC, datetime
from enum import StrEnum

from wire.errors import DecodeError


class ClockOrigin(StrEnum):
    """Whose clock stamped a frame, best first."""

    PTP = "ptp"
    CAMERA = "camera"
    PLC = "plc"
    HOST = "host"


def to_rfc3339(moment: datetime) -> str:
    """Write an aware datetime as RFC 3339 in UTC with microseconds; ValueError on a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; every moment in Lineside is aware")
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_rfc3339(text: str) -> datetime:
    """Read RFC 3339 into an aware UTC datetime; DecodeError('timestamp') on anything else."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise DecodeError("timestamp", f"{text!r} has no time zone")
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # overflow: the year 1 or 9999, shifted out of the calendar
        raise DecodeError("timestamp", f"{text!r} is not an RFC 3339 time") from error


def from_epoch_ms(milliseconds: int) -> datetime:
    """Turn a Kafka record timestamp (milliseconds since 1970) into an aware UTC datetime."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
