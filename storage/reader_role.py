"""A PostgreSQL role that may read the views of schema ``reporting`` and nothing else: Grafana's."""

from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from storage.engine import make_engine
from storage.vendor_errors import database_errors
from wire.errors import ConfigurationError

# A dashboard that asks for a year of every line must not hold up the store for minutes.
_STATEMENT_TIMEOUT: Final = "30s"


def grant_reader(url: str, role: str) -> bool:
    """Let ``role`` read the reporting views; made first if it is missing, then without login. Whether it was made.

    May be repeated. ConfigurationError on SQLite, or if the user of ``url`` may not do it; DatabaseUnavailable.
    """
    engine = make_engine(url, pool_size=1)
    try:
        if engine.dialect.name != "postgresql":
            raise ConfigurationError([f"--reader-role: {engine.dialect.name} has no roles; only PostgreSQL has"])
        with database_errors(), engine.begin() as connection:
            return _grant(connection, role)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            reason = str(error.orig).splitlines()[0]
            remedy = f"let an administrator `CREATE ROLE {role} NOLOGIN` once, then run this again as the tables' owner"
            raise ConfigurationError([f"--reader-role: {reason}; {remedy}"]) from error
        raise
    finally:
        engine.dispose()


def _grant(connection: Connection, role: str) -> bool:
    cursor = connection.connection.cursor()
    name, is_new = sql.Identifier(role), False
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
    statements = [
        "GRANT USAGE ON SCHEMA reporting TO {role}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO {role}",
        # Views that a later version adds.
        "ALTER DEFAULT PRIVILEGES IN SCHEMA reporting GRANT SELECT ON TABLES TO {role}",
    ]
    if cursor.fetchone() is None:
        is_new = True
        statements = [
            "CREATE ROLE {role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE",
            "ALTER ROLE {role} SET default_transaction_read_only = on",
            f"ALTER ROLE {{role}} SET statement_timeout = '{_STATEMENT_TIMEOUT}'",
            "ALTER ROLE {role} SET search_path = reporting",
            *statements,
        ]
    for statement in statements:
        cursor.execute(sql.SQL(statement).format(role=name))
    return is_new
