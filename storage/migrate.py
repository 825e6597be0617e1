"""Bringing a database to the schema of this version (``lineside migrate``)."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from storage.engine import make_engine
from storage.login_refusal import login_refusals
from storage.partitions import create_partitions_ahead
from storage.sqlite_file import WRITES
from storage.vendor_errors import database_errors
from wire.errors import ConfigurationError

_MIGRATIONS = Path(__file__).parent / "migrations"
# Other processes migrate meanwhile, table by table on a busy disk: over ten seconds were seen. Larger: a writer that
# hangs keeps a site from starting without a word.
_SQLITE_BUSY_MS = 120_000


def migrate(url: str, *, to: str = "head", progress: Callable[[str], None] = lambda _: None) -> None:
    """Run every missing migration in one transaction; does nothing where nothing is missing.

    Several processes may call it at once: they wait for each other. ``to``: a revision, ``head`` or ``base`` (which
    removes every table); an older one undoes what came since, and what only a newer schema can hold is gone then.
    ``progress`` is told each step. ConfigurationError: there is no such revision, or the database lets this user not
    in; DatabaseUnavailable: a lock could not be had in time.
    """
    engine = make_engine(url, pool_size=1, busy_ms=_SQLITE_BUSY_MS)
    try:
        with login_refusals(engine), database_errors(), engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                _run(connection, to, progress)
            if to == "head":
                with connection.begin():
                    create_partitions_ahead(connection, datetime.now(UTC))
    finally:
        engine.dispose()


def current(url: str) -> str | None:
    """The revision of a database's schema, None if it has none."""
    engine = make_engine(url, pool_size=1)
    try:
        with login_refusals(engine), database_errors(), engine.connect() as connection:
            return current_revision(connection)
    finally:
        engine.dispose()


def current_revision(connection: Connection) -> str | None:
    """The revision of the schema behind ``connection``, None if it has none."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def head_revision() -> str:
    """The revision this version of the product was written for."""
    head = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    if head is None:
        raise RuntimeError(f"no migrations in {_MIGRATIONS}: the installation is incomplete")
    return head


def migration_config(connection: Connection, progress: Callable[[str], None]) -> Config:
    """Alembic's configuration for one connection; ``migrations/env.py`` reads its attributes."""
    config = Config()
    # ConfigParser would read a % in the path as an interpolation.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["progress"] = progress
    return config


def _run(connection: Connection, to: str, progress: Callable[[str], None]) -> None:
    config = migration_config(connection, progress)
    known = [script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()]  # newest first
    if to not in ("head", "base", *known):
        raise ConfigurationError([f"schema {to!r}: is none of {', '.join(reversed(known))}; take one, or head"])
    there = current_revision(connection)
    is_older = there in known and to in known and known.index(to) > known.index(there)
    if to == "base" or is_older:
        command.downgrade(config, to)
    else:
        command.upgrade(config, to)
