"""Ctrl-C and SIGTERM: the first asks for an orderly end, the second for an immediate one."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self


class Interruption:
    """Counts the signals while its block runs. Use in the main thread."""

    def __init__(self) -> None:
        self._count = 0
        self._previous: dict[signal.Signals, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether an end was asked for."""
        return self._count > 0

    @property
    def impatient(self) -> bool:
        """Whether it was asked for again."""
        return self._count > 1

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._previous[number] = signal.signal(number, self._notice)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _notice(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
