"""What Alembic runs: the migrations, on the connection that ``storage.migrate`` opened."""

from alembic import context
from alembic.runtime.migration import MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection, text

from storage.schema import metadata
from storage.schema_comparison import comparison_options

# Any number; the same in every version, so that two of them never migrate at once.
MIGRATION_LOCK = 7_238_114_905_220_031


def _describe(step: MigrationInfo) -> str:
    script = step.up_revision
    if not isinstance(script, Script):
        return "nothing"
    return f"{'apply' if step.is_upgrade else 'undo'} {script.revision}: {script.doc}"


def run(connection: Connection) -> None:
    """Configure and run inside the caller's transaction."""
    if connection.dialect.name == "postgresql":
        # Rewriting a large table takes long, and cutting it short would only mean to begin again.
        connection.execute(text("SET LOCAL statement_timeout = '30min'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        # Waiting for a table's lock stops every query that comes after us, so give up soon; migrating may be repeated.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    progress = context.config.attributes["progress"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # SQLite cannot alter a table: Alembic copies it into a new one instead.
        render_as_batch=connection.dialect.name == "sqlite",
        **comparison_options(connection.dialect),
        on_version_apply=lambda step, **_: progress(_describe(step)),
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
