"""Rows held under lock for a read-merge-write: sets of numbers cannot be merged by SQL."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Table, Update, and_, bindparam, func, select, tuple_, update

from storage.dialect_insert import insert_into

Key = tuple[Any, ...]


def lock_rows(
    connection: Connection, table: Table, keys: Iterable[Key], fresh: Mapping[str, Any]
) -> dict[Key, dict[str, Any]]:
    """Return the row of each primary key, locked until the transaction ends; a missing one is made from ``fresh``.

    Locks are taken in key order, so two callers wait for each other instead of deadlocking.
    """
    wanted = sorted(set(keys))
    rows = _select(connection, table, wanted)
    missing = [key for key in wanted if key not in rows]
    if missing:
        names = [column.name for column in table.primary_key]
        connection.execute(
            insert_into(connection, table).on_conflict_do_nothing(),
            [{**fresh, **dict(zip(names, key, strict=True))} for key in missing],
        )
        # Read again what was just made: another writer may have been first, and committed its own merge.
        rows |= _select(connection, table, missing)
    return rows


def write_back(connection: Connection, table: Table, rows: Mapping[Key, Mapping[str, Any]]) -> None:
    """Set the given columns of rows that ``lock_rows`` returned; the same columns in every row."""
    if not rows:
        return
    keys = [f"key_{column.name}" for column in table.primary_key]
    columns = tuple(next(iter(rows.values())))
    connection.execute(
        _update_statement(table, columns),
        [
            {f"new_{name}": value for name, value in row.items()} | dict(zip(keys, key, strict=True))
            for key, row in rows.items()
        ],
    )


def _select(connection: Connection, table: Table, keys: list[Key]) -> dict[Key, dict[str, Any]]:
    postgres = connection.dialect.name == "postgresql"
    parameters = {"keys": keys if postgres else json.dumps(keys)}
    found = connection.execute(_select_statement(table, postgres), parameters).mappings()
    names = [column.name for column in table.primary_key]
    return {tuple(row[name] for name in names): dict(row) for row in found}


@cache
def _select_statement(table: Table, postgres: bool) -> Select[Any]:
    columns = list(table.primary_key)
    if postgres:
        wanted = tuple_(*columns).in_(bindparam("keys", expanding=True))
        return select(table).where(wanted).order_by(*columns).with_for_update()
    # SQLite walks through the whole table for a list of tuples; joined to the keys, it looks each of them up.
    keys = func.json_each(bindparam("keys")).table_valued("value")
    parts = [func.json_extract(keys.c.value, f"$[{at}]") == column for at, column in enumerate(columns)]
    return select(table).join_from(keys, table, and_(*parts))


@cache
def _update_statement(table: Table, columns: tuple[str, ...]) -> Update:
    statement = update(table).values({name: bindparam(f"new_{name}") for name in columns})
    return statement.where(*(column == bindparam(f"key_{column.name}") for column in table.primary_key))
