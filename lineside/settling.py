"""Whether everything that was captured has found its place: nothing unread, spooled, in flight or waiting any more."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from storage.ledger import LedgerStore
from storage.ledger_account import LedgerFigures
from wire.errors import DatabaseUnavailable

# Sources tell their ledger each second, and inspect passes it on: what has not changed for so long will not change.
_QUIET_S: Final = 3.0
# A backlog moves within this time even on a slow machine where workers were killed one after the other, so that their
# group waits for members that are gone; one that does not is stuck.
_STUCK_S: Final = 120.0


class Settling:
    """Watches the ledger after production has ended. Call ``look`` several times a second."""

    def __init__(self, ledgers: LedgerStore, watched: Path) -> None:
        self._ledgers = ledgers
        self._watched = watched
        self._began_at = datetime.now(UTC)
        self._seen: LedgerFigures | None = None
        self._changed_s = time.monotonic()
        self.reason = "starts"

    def look(self) -> bool:
        """Whether all is settled; else ``reason`` says what is not."""
        try:
            figures = self._ledgers.read().totals
            silent = self._ledgers.silent_since(self._began_at)
        except DatabaseUnavailable as error:
            self.reason = str(error)
            return False
        if figures != self._seen:
            self._seen, self._changed_s = figures, time.monotonic()
        unread = sum(1 for _ in self._watched.rglob("*.json"))
        open_events = {
            "files are not read yet": unread,
            "are spooled": figures.spooled,
            "are on their way to the broker": figures.in_flight,
            "wait for their part": figures.waiting,
            # A store worker that is away leaves figures behind that do not change, and look as if all were done.
            "sources have not been heard of since": len(silent),
        }
        self.reason = ", ".join(f"{count} {what}" for what, count in open_events.items() if count)
        if not self.reason and time.monotonic() - self._changed_s < _QUIET_S:
            self.reason = "the last heartbeats"
        return not self.reason

    @property
    def stuck(self) -> bool:
        """Whether nothing has moved for so long that waiting makes no sense."""
        return time.monotonic() - self._changed_s > _STUCK_S
