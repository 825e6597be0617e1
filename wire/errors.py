"""Errors, named for what the caller does next.

LinesideError
├── RetryLater            wait ``retry_after_s`` and try again; nothing is lost
│   ├── BrokerUnavailable       Kafka is away, or a consumer group lags too far behind
│   ├── ObjectStoreUnavailable  the payload or evidence store is away or full
│   └── DatabaseUnavailable     SQL is away, locked or shutting down
├── BadInput              quarantine the input with ``reason`` and go on
│   └── DecodeError             bytes or headers that cannot be understood
└── MustStop              stop the process, loudly
    ├── ConfigurationError      settings are wrong; the message lists all of them
    └── ShapeError              arrays do not fit together (a bug or a wrong model file)
"""

from collections.abc import Sequence


class LinesideError(Exception):
    """Root of every error this product raises on purpose."""


class RetryLater(LinesideError):
    """Something outside is away; the same call may succeed after ``retry_after_s`` seconds."""

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BrokerUnavailable(RetryLater):
    """Kafka did not take the message, or a group lags so far behind that more would be lost."""


class ObjectStoreUnavailable(RetryLater):
    """The object store did not answer, or its disk is full."""


class DatabaseUnavailable(RetryLater):
    """The database did not answer, refused the connection, or was locked beyond its timeout."""


class BadInput(LinesideError):
    """Input that will never become good; ``reason`` comes from a closed set and labels metrics."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


class DecodeError(BadInput):
    """Bytes or headers that cannot be understood; the original goes to the dead letter queue."""


class MustStop(LinesideError):
    """Going on would do harm; the process ends with this message."""


class ConfigurationError(MustStop):
    """Settings are wrong. ``problems`` names file, key, value and remedy, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ShapeError(MustStop):
    """Arrays that do not fit together; the message carries both shapes."""
