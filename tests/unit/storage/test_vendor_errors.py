import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.vendor_errors import database_errors
from wire.errors import DatabaseUnavailable


def sqlite_error(code: int, text: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (psycopg.errors.DiskFull("could not extend file"), "DiskFull: could not extend file"),
        (psycopg.errors.AdminShutdown("terminating connection"), "AdminShutdown: terminating connection"),
        (psycopg.errors.LockNotAvailable("lock timeout"), "LockNotAvailable: lock timeout"),
        (psycopg.errors.ReadOnlySqlTransaction("read-only"), "ReadOnlySqlTransaction: read-only"),
        (psycopg.OperationalError("connection refused\nIs it up?"), "OperationalError: connection refused"),
        (sqlite_error(sqlite3.SQLITE_BUSY, "database is locked"), "OperationalError: database is locked"),
        (sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full"), "OperationalError: database or disk is full"),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE, "disk I/O error"), "OperationalError: disk I/O error"),
    ],
)
def test_what_may_pass_becomes_database_unavailable(error: Exception, message: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=message) as raw, database_errors():
        raise error
    with pytest.raises(DatabaseUnavailable, match=message) as wrapped, database_errors():
        raise OperationalError("SELECT 1", {}, error)
    assert raw.value.__cause__ is error
    assert isinstance(wrapped.value.__cause__, OperationalError)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.UniqueViolation("twice"),
        psycopg.errors.UndefinedTable("no such table"),
        sqlite_error(sqlite3.SQLITE_ERROR, "no such table: inspections"),
        sqlite3.IntegrityError("UNIQUE constraint failed"),
    ],
)
def test_bugs_pass_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)), database_errors():
        raise error
    with pytest.raises(IntegrityError), database_errors():
        raise IntegrityError("INSERT", {}, error)


def test_a_pool_without_a_free_connection_is_unavailable_too() -> None:
    with pytest.raises(DatabaseUnavailable, match="no free database connection: 30 s"), database_errors():
        raise PoolTimeout("30 s")
