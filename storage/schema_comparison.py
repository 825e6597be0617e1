"""What Alembic may see when it compares a database with the schema of the code."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy.engine import Dialect

from storage.partitions import is_partition


def comparison_options(dialect: Dialect) -> dict[str, Any]:
    """Options of Alembic's context: partitions and what the other database alone has stay out of sight."""

    def include_name(name: str | None, kind: str, _parents: Any) -> bool:
        # Code makes the partitions, the schema does not list them: Alembic would drop them (its issue 539).
        return not (kind == "table" and name is not None and is_partition(name))

    def include_object(item: Any, _name: str | None, _kind: str, reflected: bool, _other: Any) -> bool:
        # Alembic does not look at ddl_if: an index for PostgreSQL alone would be missing on SQLite for ever.
        brin = isinstance(item, Index) and item.dialect_options["postgresql"]["using"] == "brin"
        return reflected or not brin or dialect.name == "postgresql"

    return {"compare_type": True, "include_name": include_name, "include_object": include_object}
