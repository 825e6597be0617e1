"""First schema."""

import sqlalchemy as sa
from alembic import op

from storage.column_types import Identity, JsonText, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "broker_losses",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("noticed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "first_offset", "last_offset", name=op.f("pk_broker_losses")),
    )
    op.create_table(
        "commands",
        sa.Column("command_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("document", JsonText(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("status IN ('open', 'done', 'failed')", name=op.f("ck_commands_status")),
        sa.PrimaryKeyConstraint("command_id", name=op.f("pk_commands")),
    )
    op.create_index(op.f("ix_commands_line_recorded_at"), "commands", ["line", "recorded_at"], unique=False)
    op.create_table(
        "event_ledger",
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used", sa.Text(), nullable=False),
        sa.Column("quarantined", JsonText(), nullable=False),
        sa.Column("late", sa.Text(), nullable=False),
        sa.Column("redelivered", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("line", "source", "session", "block", name=op.f("pk_event_ledger")),
    )
    op.create_table(
        "evidence_progress",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("stored_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_evidence_progress_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_progress")),
    )
    op.create_table(
        "evidence_uses",
        sa.Column("ref_hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("ref_hash", "inspection_id", name=op.f("pk_evidence_uses")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feedback",
        sa.Column("feedback_id", Identity, nullable=False),
        sa.Column("command_id", sa.Uuid(), nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("label IN ('good', 'defect')", name=op.f("ck_feedback_label")),
        sa.PrimaryKeyConstraint("feedback_id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("command_id", "inspection_id", name=op.f("uq_feedback_command_id_inspection_id")),
    )
    op.create_index(op.f("ix_feedback_inspection_id"), "feedback", ["inspection_id"], unique=False)
    op.create_table(
        "inspection_keys",
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("captured_at", UtcDateTime(), nullable=False),
        sa.Column("judged", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_inspection_keys")),
        sa.UniqueConstraint("inspection_id", "captured_at", name=op.f("uq_inspection_keys_inspection_id_captured_at")),
    )
    op.create_table(
        "jobs",
        sa.Column("job_id", Identity, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("payload", JsonText(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("available_at", UtcDateTime(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("result", JsonText(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'done', 'failed')", name=op.f("ck_jobs_state")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_jobs_kind_key")),
    )
    op.create_index(
        "ix_jobs_open",
        "jobs",
        ["kind", "available_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "line_state_activations",
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("activated_at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "line", "product", "cluster", "partition", "offset", name=op.f("pk_line_state_activations")
        ),
    )
    op.create_table(
        "line_states",
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("tensors_ref", sa.Text(), nullable=False),
        sa.Column("parent_version", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("document", JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("line", "product", "version", name=op.f("pk_line_states")),
    )
    op.create_table(
        "lines",
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("spec", JsonText(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("line", name=op.f("pk_lines")),
    )
    op.create_table(
        "payload_sweeps",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("swept_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_payload_sweeps")),
    )
    op.create_table(
        "reports",
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("captured_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("fallback", sa.Boolean(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("document", JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_reports")),
    )
    op.create_index(op.f("ix_reports_captured_at"), "reports", ["captured_at"], unique=False)
    op.create_table(
        "source_ledger",
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("captured", sa.Text(), nullable=False),
        sa.Column("published", sa.Text(), nullable=False),
        sa.Column("settled", sa.Text(), nullable=False),
        sa.Column("spooled", sa.Text(), nullable=False),
        sa.Column("in_flight", sa.Text(), nullable=False),
        sa.Column("dropped", JsonText(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=True),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("line", "source", "session", name=op.f("pk_source_ledger")),
    )
    op.create_table(
        "state_references",
        sa.Column("change_id", Identity, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("command_id", sa.Uuid(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("action IN ('accepted', 'rejected')", name=op.f("ck_state_references_action")),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_state_references")),
    )
    op.create_index(op.f("ix_state_references_inspection_id"), "state_references", ["inspection_id"], unique=False)
    op.create_index(
        op.f("ix_state_references_line_product_inspection_id"),
        "state_references",
        ["line", "product", "inspection_id"],
        unique=False,
    )
    op.create_table(
        "stored_sequence",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_stored_sequence_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_sequence")),
    )
    op.create_table(
        "unused_objects",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("noticed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_unused_objects")),
    )
    op.create_table(
        "verdict_totals",
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("inspections", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("verdict IN ('ok', 'defect', 'unknown')", name=op.f("ck_verdict_totals_verdict")),
        sa.PrimaryKeyConstraint("line", "product", "verdict", name=op.f("pk_verdict_totals")),
    )
    op.create_table(
        "inspections",
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("captured_at", UtcDateTime(), nullable=False),
        sa.Column("stored_seq", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", UtcDateTime(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("part_id", sa.Text(), nullable=False),
        sa.Column("trigger_session", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("is_partial", sa.Boolean(), nullable=False),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.Column("result_state", sa.String(length=16), nullable=False),
        sa.Column("state_version", sa.Integer(), nullable=True),
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("latency_s", sa.Double(), nullable=True),
        sa.Column("document", JsonText(), nullable=False),
        sa.CheckConstraint("mode IN ('zero_shot', 'memory')", name=op.f("ck_inspections_mode")),
        sa.CheckConstraint(
            "result_state IN ('Undefined', 'Completed', 'Processing', 'Aborted', 'Failed')",
            name=op.f("ck_inspections_result_state"),
        ),
        sa.CheckConstraint("verdict IN ('ok', 'defect', 'unknown')", name=op.f("ck_inspections_verdict")),
        sa.ForeignKeyConstraint(
            ["inspection_id", "captured_at"],
            ["inspection_keys.inspection_id", "inspection_keys.captured_at"],
            name=op.f("fk_inspections_inspection_id_captured_at_inspection_keys"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("inspection_id", "captured_at", name=op.f("pk_inspections")),
        postgresql_partition_by="RANGE (captured_at)",
    )
    op.create_index(
        op.f("ix_inspections_captured_at_inspection_id"), "inspections", ["captured_at", "inspection_id"], unique=False
    )
    op.create_index(
        "ix_inspections_flagged",
        "inspections",
        ["captured_at", "inspection_id"],
        unique=False,
        postgresql_where=sa.text("verdict <> 'ok'"),
        sqlite_where=sa.text("verdict <> 'ok'"),
    )
    op.create_index(
        op.f("ix_inspections_line_captured_at_inspection_id"),
        "inspections",
        ["line", "captured_at", "inspection_id"],
        unique=False,
    )
    op.create_index(
        "ix_inspections_line_flagged",
        "inspections",
        ["line", "captured_at", "inspection_id"],
        unique=False,
        postgresql_where=sa.text("verdict <> 'ok'"),
        sqlite_where=sa.text("verdict <> 'ok'"),
    )
    op.create_index(op.f("ix_inspections_part_id"), "inspections", ["part_id"], unique=False)
    op.create_index(op.f("ix_inspections_stored_seq"), "inspections", ["stored_seq"], unique=False)
    op.create_table(
        "modality_verdicts",
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("mode", sa.String(length=16), nullable=True),
        sa.Column("deviation", sa.Double(), nullable=True),
        sa.CheckConstraint("state IN ('used', 'missing', 'quarantined')", name=op.f("ck_modality_verdicts_state")),
        sa.CheckConstraint("verdict IN ('ok', 'defect', 'unknown')", name=op.f("ck_modality_verdicts_verdict")),
        sa.ForeignKeyConstraint(
            ["inspection_id"],
            ["inspection_keys.inspection_id"],
            name=op.f("fk_modality_verdicts_inspection_id_inspection_keys"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("inspection_id", "modality", name=op.f("pk_modality_verdicts")),
    )
    op.create_table(
        "regions",
        sa.Column("inspection_id", sa.Uuid(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("region_index", sa.Integer(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("captured_at", UtcDateTime(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("type_probability", sa.Double(), nullable=True),
        sa.Column("x0_px", sa.Integer(), nullable=False),
        sa.Column("y0_px", sa.Integer(), nullable=False),
        sa.Column("x1_px", sa.Integer(), nullable=False),
        sa.Column("y1_px", sa.Integer(), nullable=False),
        sa.Column("area_px", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("facts", JsonText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inspection_id"],
            ["inspection_keys.inspection_id"],
            name=op.f("fk_regions_inspection_id_inspection_keys"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("inspection_id", "modality", "region_index", name=op.f("pk_regions")),
    )
    op.create_index(op.f("ix_regions_line_captured_at"), "regions", ["line", "captured_at"], unique=False)
    op.create_index(op.f("ix_regions_type_captured_at"), "regions", ["type", "captured_at"], unique=False)
    op.execute("INSERT INTO stored_sequence (id, value) VALUES (1, 0)")
    op.execute("INSERT INTO evidence_progress (id, stored_seq) VALUES (1, 0)")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE INDEX ix_inspections_captured_at_brin ON inspections USING brin (captured_at)")
        op.execute("CREATE TABLE inspections_default PARTITION OF inspections DEFAULT")


def downgrade() -> None:
    """Remove every table."""
    op.drop_table("regions")
    op.drop_table("modality_verdicts")
    op.drop_table("inspections")
    op.drop_table("verdict_totals")
    op.drop_table("unused_objects")
    op.drop_table("stored_sequence")
    op.drop_table("state_references")
    op.drop_table("source_ledger")
    op.drop_table("reports")
    op.drop_table("payload_sweeps")
    op.drop_table("lines")
    op.drop_table("line_states")
    op.drop_table("line_state_activations")
    op.drop_table("jobs")
    op.drop_table("inspection_keys")
    op.drop_table("feedback")
    op.drop_table("evidence_uses")
    op.drop_table("evidence_progress")
    op.drop_table("event_ledger")
    op.drop_table("commands")
    op.drop_table("broker_losses")
