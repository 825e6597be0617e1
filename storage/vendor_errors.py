"""The wall between database drivers and the rest: what may succeed later becomes DatabaseUnavailable.

Away, locked, out of space or memory, shutting down, read-only after a fail-over: the same call may succeed later.
Everything else (a violated constraint, a wrong statement, a missing table) is a bug or a wrong set-up and passes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from wire.errors import DatabaseUnavailable

# Primary result codes (sqlite.org/rescode.html) that time or an administrator can heal.
_SQLITE_TRANSIENT = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM,
})  # fmt: skip
_SQLITE_PRIMARY_MASK = 0xFF


@contextmanager
def database_errors() -> Iterator[None]:
    """Raise DatabaseUnavailable in place of a driver's error that may pass; let every other error through."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable(f"no free database connection: {error}") from error
    except DBAPIError as error:
        if error.connection_invalidated or _is_transient(error.orig):
            raise DatabaseUnavailable(_first_line(error.orig)) from error
        raise
    except (psycopg.Error, sqlite3.Error) as error:
        if _is_transient(error):
            raise DatabaseUnavailable(_first_line(error)) from error
        raise


def _is_transient(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return (error.sqlite_errorcode & _SQLITE_PRIMARY_MASK) in _SQLITE_TRANSIENT
    # psycopg: connection lost, classes 53 (resources), 55P03, 57 (shutting down), 40 (deadlock, serialisation), 58.
    return isinstance(error, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction)


def _first_line(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
