"""The connections to one SQLite file: prepared alike, and none of them to a file that is no longer there."""

import os
import sqlite3
import time
import weakref
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, event

from wire.errors import MustStop

# A connection that asks for this in its execution options writes: SQLite then takes the write lock at once, because a
# transaction that read first cannot wait for it ("database is locked", whatever the timeout).
WRITES: Final = "lineside_writes"

# Longer than the slowest batch commit seen on a slow disk; shorter than the patience of a worker's watchdog.
BUSY_MS: Final = 10_000
_LOOK_AGAIN_S: Final = 0.01
_PRIMARY_MASK: Final = 0xFF

_Identity = tuple[int, int]  # device and inode


class SqliteFile:
    """What every connection of one engine is told; remembers which file the first one opened.

    A file that is removed while it is open lives on for those who have it open: they would write into the void, and
    whoever connects anew would find an empty database. Both get MustStop instead.
    """

    def __init__(self, path: Path, *, busy_ms: int = BUSY_MS) -> None:
        self._path = path
        self._busy_ms = busy_ms
        self._identity: _Identity | None = None

    def attach(self, engine: Engine) -> None:
        """Prepare each of the engine's connections, and check each of its transactions."""
        event.listen(engine, "connect", self._prepare)
        event.listen(engine, "begin", self._begin)

    def _prepare(self, connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own transaction control begins too late and deferred; _begin does it.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {self._busy_ms}")
        _switch_to_wal(connection, self._busy_ms / 1000)
        for pragma in (
            # A commit is on the disk before its offsets are acknowledged; NORMAL could lose the last ones at a power
            # cut.
            "synchronous = FULL",
            "foreign_keys = ON",
            # 16 MiB of log before it is copied into the file (default 4 MiB, every second batch): pages of indexes that
            # several batches touch are copied once. Larger would lengthen the first start after a crash.
            "wal_autocheckpoint = 4000",
            # 16 MiB of pages: random keys (uuid5) touch many pages of an index.
            "cache_size = -16384",
        ):
            connection.execute(f"PRAGMA {pragma}")
        if self._identity is None:
            # A handle that neither reads nor locks keeps the inode: else a new file could get the same number.
            # (Closing an ordinary handle would drop the locks that SQLite holds on the file.)
            handle = os.open(self._path, os.O_PATH)
            weakref.finalize(self, os.close, handle)
            self._identity = self._on_disk()

    def _begin(self, connection: Connection) -> None:
        if self._on_disk() != self._identity:
            raise MustStop(
                f"database: {self._path} was removed or replaced while it was in use; what is written now would be "
                "lost. Stop every process that uses it, put the file back or run `lineside migrate`, and start again"
            )
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def _on_disk(self) -> _Identity | None:
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino


def _switch_to_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Wait for other processes that open the same new file: for this switch SQLite itself does not always wait."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY_MASK != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                raise
            time.sleep(_LOOK_AGAIN_S)
