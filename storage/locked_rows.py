"""Rows held under lock for a read-merge-write: sets of numbers cannot be merged by SQL."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, func, select, tuple_, update

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
    """Set the given columns of rows that ``lock_rows`` returned."""
    if not rows:
        return
    names = [column.name for column in table.primary_key]
    changed = next(iter(rows.values())).keys()
    statement = update(table).values({name: bindparam(f"new_{name}") for name in changed})
    for name in names:
        statement = statement.where(table.c[name] == bindparam(f"key_{name}"))
    connection.execute(
        statement,
        [
            {f"new_{name}": value for name, value in row.items()}
            | {f"key_{name}": value for name, value in zip(names, key, strict=True)}
            for key, row in rows.items()
        ],
    )


def _select(connection: Connection, table: Table, keys: list[Key]) -> dict[Key, dict[str, Any]]:
    columns = list(table.primary_key)
    if connection.dialect.name == "postgresql":
        statement = select(table).where(tuple_(*columns).in_(keys)).order_by(*columns).with_for_update()
    else:
        # SQLite walks through the whole table for a list of tuples; joined to the keys, it looks each of them up.
        wanted = func.json_each(json.dumps(keys)).table_valued("value")
        parts = [func.json_extract(wanted.c.value, f"$[{at}]") == column for at, column in enumerate(columns)]
        statement = select(table).join_from(wanted, table, and_(*parts))
    found = connection.execute(statement).mappings()
    return {tuple(row[column.name] for column in columns): dict(row) for row in found}
