"""Rows as they lie in a database, written again by plain executemany upserts: the measure of the result sink."""

from collections.abc import Mapping
from typing import Any, Final

from storage.column_types import JsonText
from storage.engine import make_engine
from storage.schema import inspections, metadata

Rows = list[tuple[Any, ...]]
# Table name -> rows, of one transaction.
Batch = Mapping[str, Rows]

# Parents before children: foreign keys are checked with each statement.
_TABLES: Final = {table.name: table for table in metadata.sorted_tables}
_COLUMNS: Final = {name: [column.name for column in table.columns] for name, table in _TABLES.items()}
_NUMBER: Final = "stored_seq"
_INSPECTION: Final = "inspection_id"


class BareDatabase:
    """One connection of the driver itself, set up as the product's are, to a database with the product's schema.

    From here on nothing but the driver is called: no statement is compiled, no value converted.
    """

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url, pool_size=1)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._pooled = self._engine.raw_connection()
        self._connection: Any = self._pooled.driver_connection
        place = "?" if self._is_sqlite else "%s"
        self._statements = {name: _upsert(name, place) for name in _TABLES}

    def capture(self, batch_size: int) -> list[Batch]:
        """What a sink wrote, in the transactions in which it wrote it: ``batch_size`` inspections each.

        Rows that belong to no inspection (the ledger, totals) are in every batch: the sink updates them each time.
        """
        content = {name: rows for name in _TABLES if (rows := self._read(name))}
        self._connection.rollback()
        number_at, key_at = (_COLUMNS[inspections.name].index(name) for name in (_NUMBER, _INSPECTION))
        in_order = sorted(content[inspections.name], key=lambda row: row[number_at])
        batch_of = {row[key_at]: place // batch_size for place, row in enumerate(in_order)}
        batches: list[dict[str, Rows]] = [{} for _ in range(0, len(in_order), batch_size)]
        for name, rows in content.items():
            if _INSPECTION in _COLUMNS[name]:
                at = _COLUMNS[name].index(_INSPECTION)
                for row in rows:
                    batches[batch_of[row[at]]].setdefault(name, []).append(row)
            else:
                for batch in batches:
                    batch[name] = rows
        return list(batches)

    def write(self, batch: Batch) -> None:
        """One transaction of upserts, one executemany per table; committed when this returns."""
        cursor = self._connection.cursor()
        if self._is_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        for name, rows in batch.items():
            cursor.executemany(self._statements[name], rows)
        self._connection.commit()

    def close(self) -> None:
        """Close the connection; committed rows stay."""
        self._pooled.close()
        self._engine.dispose()

    def _read(self, name: str) -> Rows:
        # Documents as the text they are: reading them into dicts and back is no part of an upsert.
        columns = [
            f'CAST("{column.name}" AS TEXT)' if isinstance(column.type, JsonText) else f'"{column.name}"'
            for column in _TABLES[name].columns
        ]
        cursor = self._connection.cursor()
        cursor.execute(f"SELECT {', '.join(columns)} FROM {name}")
        return [*cursor.fetchall()]


def _upsert(name: str, place: str) -> str:
    columns, keys = _COLUMNS[name], [column.name for column in _TABLES[name].primary_key]
    changed = ", ".join(f'"{column}" = excluded."{column}"' for column in columns if column not in keys)
    action = f"DO UPDATE SET {changed}" if changed else "DO NOTHING"
    return (
        f"INSERT INTO {name} ({_quoted(columns)}) VALUES ({', '.join([place] * len(columns))}) "
        f"ON CONFLICT ({_quoted(keys)}) {action}"
    )


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
