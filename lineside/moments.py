"""Moments as people type them: ``30m``, ``2h``, ``7d`` ago, or a date, or a date with time."""

import re
from datetime import datetime, timedelta

from wire.errors import ConfigurationError

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_moment(text: str, *, now: datetime, option: str) -> datetime:
    """Read a moment; what has no zone is local time. ``now`` is aware. ConfigurationError names the option."""
    if match := _AGO.match(text.strip()):
        return now - timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigurationError([
            f"{option}: {text!r} is no time; write 30m, 2h or 7d (ago), 2026-05-01, or 2026-05-01T08:00+02:00"
        ]) from None  # fmt: skip
    return moment if moment.tzinfo is not None else moment.astimezone()
