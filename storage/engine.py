"""How this product connects to its database: SQLite (embedded) or PostgreSQL (production)."""

from pathlib import Path
from typing import Final

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from storage.sqlite_file import BUSY_MS, SqliteFile
from wire.errors import ConfigurationError

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


def make_engine(url: str, *, pool_size: int = 5, busy_ms: int = BUSY_MS) -> Engine:
    """Make an engine; connects on first use. Callers that wait longer than 30 s for a connection get an error.

    ``busy_ms``: how long SQLite waits for other writers.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, pool_size=pool_size, max_overflow=pool_size)
        SqliteFile(Path(str(parsed.database)), busy_ms=busy_ms).attach(engine)
        return engine
    return create_engine(
        parsed, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, connect_args=dict(_POSTGRES_CONNECT)
    )
