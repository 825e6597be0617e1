"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, Text, cast
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeDecorator, TypeEngine

# SQLite counts only an INTEGER PRIMARY KEY up by itself, and its integers have 64 bits anyway.
Identity = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC moments. SQLite keeps no zone (12:00+02:00 would come back as 12:00), so it is given UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """``timestamptz`` on PostgreSQL, text without a zone on SQLite."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """ValueError on a naive moment: nobody could tell what it meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; every moment in Lineside is aware")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The stored moment, aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[str]):
    """JSON as the text that was written: ``json`` on PostgreSQL (so that people can query into it), text on SQLite.

    It comes back as text byte for byte, because a pydantic model reads it faster and stricter than a driver would.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """``json`` keeps the text; ``jsonb`` would reorder it and cost the writer a parse."""
        return dialect.type_descriptor(postgresql.JSON() if dialect.name == "postgresql" else Text())

    def bind_processor(self, dialect: Dialect) -> None:
        """Text goes in as it is; the driver's own JSON encoding would quote it once more."""
        return

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Read as text; psycopg would parse a ``json`` column."""
        return cast(column, Text)
