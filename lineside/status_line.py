"""What ``lineside up`` says while it runs: news line by line, and one line of status below them."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.status import Status

# Without a terminal (a log file, CI) the status is a line now and then.
_PLAIN_INTERVAL_S: Final = 30.0


class StatusLine:
    """``tell`` for news, ``show`` for the present state. Use as a block."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("starting", console=console) if console.is_terminal else None
        self._plain_at_s = 0.0

    def tell(self, text: str) -> None:
        """Write one line of news; it stays."""
        self._console.print(text, soft_wrap=True, markup=False)

    def show(self, text: str) -> None:
        """Replace the status."""
        if self._status is not None:
            self._status.update(text)
        elif time.monotonic() - self._plain_at_s > _PLAIN_INTERVAL_S:
            self._plain_at_s = time.monotonic()
            self.tell(text)

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()
