"""The clock that stamps rows; stores take another one where a test decides the time."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The host's clock, aware."""
    return datetime.now(UTC)
