"""What a source's connector says of its spool: bytes, bound, age of the oldest event. JSON; null: nothing was said."""

import sqlalchemy as sa
from alembic import op

from storage.column_types import JsonText

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; adding one that may be null rewrites no row."""
    with op.batch_alter_table("source_ledger") as table:
        table.add_column(sa.Column("spool", JsonText(), nullable=True))


def downgrade() -> None:
    """Remove it."""
    with op.batch_alter_table("source_ledger") as table:
        table.drop_column("spool")
