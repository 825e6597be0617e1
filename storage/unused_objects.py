"""Objects that a removed row named (table ``unused_objects``): candidates for deletion."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from storage.dialect_insert import insert_into
from storage.schema import unused_objects


def note_unused(connection: Connection, refs: Iterable[str], noticed_at: datetime) -> None:
    """Remember objects that a removed row named; retention looks whether another row still needs them."""
    rows = [{"ref": ref, "noticed_at": noticed_at} for ref in sorted(refs)]
    if rows:
        connection.execute(insert_into(connection, unused_objects).on_conflict_do_nothing(), rows)
