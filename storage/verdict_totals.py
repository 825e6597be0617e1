"""How many inspections are stored by line, product and verdict (table ``verdict_totals``)."""

from collections import Counter
from functools import cache

from sqlalchemy import Connection, Executable

from storage.dialect_insert import insert_for
from storage.schema import verdict_totals

# (line, product, verdict) -> rows
VerdictCounts = Counter[tuple[str, str, str]]


def add_to_totals(connection: Connection, change: VerdictCounts) -> None:
    """Count rows of ``inspections`` that the same transaction adds or removes, by (line, product, verdict)."""
    rows = [
        {"line": line, "product": product, "verdict": verdict, "inspections": count}
        for (line, product, verdict), count in sorted(change.items())
        if count
    ]
    if rows:
        connection.execute(_statement(connection.dialect.name), rows)


@cache
def _statement(dialect: str) -> Executable:
    statement = insert_for(dialect, verdict_totals)
    return statement.on_conflict_do_update(
        index_elements=["line", "product", "verdict"],
        set_={"inspections": verdict_totals.c.inspections + statement.excluded.inspections},
    )
