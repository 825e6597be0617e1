"""The registry of lines: what people decided about each."""

from typing import Any

from sqlalchemy import Row, select

from storage.clock import utc_now
from storage.database import Database
from storage.dialect_insert import insert_into
from storage.schema import lines
from wire.line_state import LineSpec


class LineRegistry:
    """Specifications of lines by line id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, spec: LineSpec) -> None:
        """Store ``spec`` as the line's only one."""
        with self._database.begin_write() as connection:
            statement = insert_into(connection, lines).values(_columns(spec))
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["line"],
                    set_={"spec": statement.excluded.spec, "updated_at": statement.excluded.updated_at},
                )
            )

    def get(self, line: str) -> LineSpec | None:
        """The line's specification, None if nobody made one."""
        with self._database.begin_read() as connection:
            row = connection.execute(select(lines.c.spec).where(lines.c.line == line)).first()
        return None if row is None else _spec(row)

    def all(self) -> list[LineSpec]:
        """Every line's specification, by line id."""
        with self._database.begin_read() as connection:
            return [_spec(row) for row in connection.execute(select(lines.c.spec).order_by(lines.c.line))]

    def ensure(self, line: str) -> LineSpec:
        """The line's specification; a line nobody described yet gets the default one."""
        known = self.get(line)
        if known is not None:
            return known
        with self._database.begin_write() as connection:
            connection.execute(
                insert_into(connection, lines).values(_columns(LineSpec(line=line))).on_conflict_do_nothing()
            )
            return _spec(connection.execute(select(lines.c.spec).where(lines.c.line == line)).one())


def _columns(spec: LineSpec) -> dict[str, object]:
    return {"line": spec.line, "spec": spec.to_json().decode(), "updated_at": utc_now()}


def _spec(row: Row[Any]) -> LineSpec:
    return LineSpec.from_json(row.spec)
