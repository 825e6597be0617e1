"""Rows as they lie in a database, written again by plain executemany upserts: the measure of the result sink.

The only file outside ``storage`` that imports a database driver: what the product's own code around it costs can only
be measured from the other side of that wall.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast

import psycopg
from psycopg.types.string import TextLoader

from storage.schema import (
    event_ledger,
    evidence_uses,
    inspection_keys,
    inspections,
    modality_verdicts,
    regions,
    stored_sequence,
    verdict_totals,
)
from wire.errors import ConfigurationError

Rows = list[tuple[Any, ...]]
# Table name -> rows, of one transaction.
Batch = Mapping[str, Rows]

# Parents before children: the foreign keys are checked with each statement.
_PER_INSPECTION: Final = (inspection_keys, inspections, modality_verdicts, regions, evidence_uses)
# A few rows that the sink brings up to date in every transaction.
_EVERY_BATCH: Final = (event_ledger, verdict_totals, stored_sequence)
_TABLES: Final = (*_PER_INSPECTION, *_EVERY_BATCH)
_COLUMNS: Final = {table.name: [column.name for column in table.columns] for table in _TABLES}
_KEYS: Final = {table.name: [column.name for column in table.primary_key] for table in _TABLES}

_SQLITE: Final = "sqlite:///"
# As storage.engine sets them.
_PRAGMAS: Final = (
    "busy_timeout = 10000",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "cache_size = -16384",
)


class _Cursor(Protocol):
    def execute(self, statement: str, /) -> Any: ...

    def executemany(self, statement: str, rows: Rows, /) -> Any: ...

    def fetchall(self) -> Rows: ...


class _Connection(Protocol):
    def cursor(self) -> _Cursor: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


class BareDatabase:
    """One connection of the driver itself to a database that has the product's schema."""

    def __init__(self, url: str) -> None:
        self._is_sqlite = url.startswith(_SQLITE)
        self._connection = _open_sqlite(url.removeprefix(_SQLITE)) if self._is_sqlite else _open_postgres(url)
        place = "?" if self._is_sqlite else "%s"
        self._statements = {table.name: _upsert(table.name, place) for table in _TABLES}

    def capture(self, batch_size: int) -> list[Batch]:
        """What a sink wrote, in the transactions in which it wrote it: ``batch_size`` inspections each."""
        content = {table.name: self._read(table.name) for table in _TABLES}
        self._connection.rollback()
        number_at, key_at = (_COLUMNS[inspections.name].index(name) for name in ("stored_seq", "inspection_id"))
        in_order = sorted(content[inspections.name], key=lambda row: row[number_at])
        batch_of = {row[key_at]: place // batch_size for place, row in enumerate(in_order)}
        batches: list[dict[str, Rows]] = [
            {table.name: content[table.name] for table in _EVERY_BATCH} for _ in range(0, len(in_order), batch_size)
        ]
        for table in _PER_INSPECTION:
            at = _COLUMNS[table.name].index("inspection_id")
            for row in content[table.name]:
                batches[batch_of[row[at]]].setdefault(table.name, []).append(row)
        return list(batches)

    def write(self, batch: Batch) -> None:
        """One transaction of upserts, one executemany per table; committed when this returns."""
        cursor = self._connection.cursor()
        if self._is_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            if rows := batch.get(table.name):
                cursor.executemany(self._statements[table.name], rows)
        self._connection.commit()

    def close(self) -> None:
        """Close the connection; committed rows stay."""
        self._connection.close()

    def _read(self, table: str) -> Rows:
        cursor = self._connection.cursor()
        cursor.execute(f"SELECT {_quoted(_COLUMNS[table])} FROM {table}")
        return cursor.fetchall()


def _open_sqlite(path: str) -> _Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return cast("_Connection", connection)


def _open_postgres(url: str) -> _Connection:
    try:
        # SQLAlchemy's addresses name the driver, libpq's do not.
        connection = psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), options="-c timezone=UTC")
    except psycopg.Error as error:
        raise ConfigurationError([f"--database: {error}"]) from error
    # Documents stay the text they were: reading them into dicts and back is no part of an upsert.
    for kind in ("json", "jsonb"):
        connection.adapters.register_loader(kind, TextLoader)
    return cast("_Connection", connection)


def _upsert(table: str, place: str) -> str:
    columns, keys = _COLUMNS[table], _KEYS[table]
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in keys)
    action = f"DO UPDATE SET {changed}" if changed else "DO NOTHING"
    return (
        f"INSERT INTO {table} ({_quoted(columns)}) VALUES ({', '.join([place] * len(columns))}) "
        f"ON CONFLICT ({_quoted(keys)}) {action}"
    )


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
