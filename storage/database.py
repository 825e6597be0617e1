"""The handle on the SQL database that every store of this room is given."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from storage.engine import make_engine
from storage.login_refusal import login_refusals
from storage.migrate import current_revision, head_revision
from storage.sqlite_file import WRITES
from storage.vendor_errors import database_errors
from wire.errors import ConfigurationError


class Database:
    """Connections to one database. Thread-safe; forked children need their own.

    ``url``: ``sqlite:///FILE`` or ``postgresql://user:password@host/name``. Every method of the stores in this room
    raises DatabaseUnavailable when the database is away, locked, full or shutting down; nothing is written then.
    MustStop when the file of a SQLite database was removed or replaced while it was open.
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.engine: Engine = make_engine(url, pool_size=pool_size)

    @property
    def is_postgres(self) -> bool:
        """Whether this is PostgreSQL; else it is SQLite."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def begin_write(self) -> Iterator[Connection]:
        """One transaction that may write: committed at the end of the block, rolled back if the block raises."""
        with database_errors(), self.engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                yield connection

    @contextmanager
    def begin_read(self) -> Iterator[Connection]:
        """One transaction that only reads, and sees one moment of the database, however many queries it makes."""
        with database_errors(), self.engine.connect() as connection:
            if self.is_postgres:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    def lock(self, connection: Connection, name: str) -> None:
        """Hold the lock called ``name`` until the transaction ends (SQLite: a writing transaction is alone anyway)."""
        if self.is_postgres:
            key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    def ensure_current(self) -> None:
        """ConfigurationError unless it lets this user in and its schema is the one this version was written for."""
        with login_refusals(self.engine), self.begin_read() as connection:
            found = current_revision(connection)
        if found != head_revision():
            there = "has no schema" if found is None else f"has schema {found}"
            raise ConfigurationError(
                [f"database: {self.engine.url!r} {there}, this version needs {head_revision()}; run `lineside migrate`"]
            )

    def close(self) -> None:
        """Close all connections; committed data stays."""
        self.engine.dispose()
