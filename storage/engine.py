"""How this product connects to its database: SQLite (embedded) or PostgreSQL (production)."""

import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from wire.errors import ConfigurationError

# A connection that asks for this in its execution options writes: SQLite then takes the write lock at once, because a
# transaction that read first cannot wait for it ("database is locked", whatever the timeout).
WRITES: Final = "lineside_writes"

# Longer than the slowest batch commit seen on a slow disk; shorter than the patience of a worker's watchdog.
_SQLITE_BUSY_MS = 10_000
# A statement of the product takes milliseconds, the largest query of a page seconds. One that hangs holds its locks.
_POSTGRES_STATEMENT_TIMEOUT_MS = 60_000
# Without these a peer that vanished without a word would hold a thread for two hours (Linux keepalive default).
_POSTGRES_CONNECT: Final = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "lineside",
    "options": f"-c timezone=UTC -c statement_timeout={_POSTGRES_STATEMENT_TIMEOUT_MS}",
}


def parse_url(url: str) -> URL:
    """``sqlite:///FILE`` or ``postgresql://…``; ConfigurationError on anything else."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError([f"database: {url!r} is not a URL; use sqlite:///FILE or postgresql://…"]) from error
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if parsed.database in (None, "", ":memory:"):
            raise ConfigurationError(["database: SQLite needs a file that several processes can share: sqlite:///FILE"])
        return parsed
    raise ConfigurationError(
        [f"database: {parsed.drivername!r} is not supported; use sqlite:///FILE or postgresql://…"]
    )


def make_engine(url: str, *, pool_size: int = 5) -> Engine:
    """Make an engine; connects on first use. Callers that wait longer than 30 s for a connection get an error."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, pool_size=pool_size, max_overflow=pool_size)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        parsed, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, connect_args=dict(_POSTGRES_CONNECT)
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own transaction control begins too late and deferred; _begin_sqlite does it.
    connection.isolation_level = None
    for pragma in (
        # First of all, because switching to WAL has to wait for other processes, too.
        f"busy_timeout = {_SQLITE_BUSY_MS}",
        "journal_mode = WAL",
        # A commit is on the disk before its offsets are acknowledged; NORMAL could lose the last ones at a power cut.
        "synchronous = FULL",
        "foreign_keys = ON",
        # 16 MiB of log before it is copied into the file (default 4 MiB, every second batch): pages of indexes that
        # several batches touch are copied once. Larger would lengthen the first start after a crash.
        "wal_autocheckpoint = 4000",
        # 16 MiB of pages: random keys (uuid5) touch many pages of an index.
        "cache_size = -16384",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
