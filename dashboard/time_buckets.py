"""Spans of time and the buckets that divide them."""

from datetime import UTC, datetime, timedelta

# Bar widths a person can name.
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 604800)
# On 800 px of chart a bar is then at least 10 px wide: wide enough to hit.
_BARS = 80


def bucket_for(since: datetime, until: datetime) -> int:
    """The narrowest bucket in seconds that divides the span into at most 80 bars."""
    span_s = (until - since).total_seconds()
    return next((step for step in _STEPS_S if span_s / step <= _BARS), _STEPS_S[-1])


def floor_to(moment: datetime, bucket_s: int) -> datetime:
    """The start of the bucket that ``moment`` lies in, counted from 1970 in UTC."""
    return datetime.fromtimestamp(moment.timestamp() // bucket_s * bucket_s, tz=UTC)


def starts(since: datetime, until: datetime, bucket_s: int) -> list[datetime]:
    """Start of every bucket that overlaps [since, until), so that empty ones are shown too."""
    if since >= until:
        return []
    first = floor_to(since, bucket_s)
    count = max(0, -(-int((until - first).total_seconds()) // bucket_s))
    return [first + timedelta(seconds=bucket_s * at) for at in range(count)]
