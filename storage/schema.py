"""Tables of DESIGN §6, the same on SQLite and PostgreSQL.

An inspection has one row in ``inspection_keys`` (small, unpartitioned: its primary key is what makes an inspection
unique) and one in ``inspections`` (range-partitioned by ``captured_at`` on PostgreSQL, where every unique key of a
partitioned table has to contain the partition column). The foreign key over both columns allows ``inspections`` no
second row, whatever ``captured_at`` a later delivery carries.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from storage.column_types import Identity, JsonText, UtcDateTime
from wire.finding import ModalityState, Mode, Verdict
from wire.inspection import ResultState

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _one_of(column: str, values: type[Verdict | Mode | ModalityState | ResultState]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


lines = Table(
    "lines",
    metadata,
    Column("line", Text, primary_key=True),
    Column("spec", JsonText, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

inspection_keys = Table(
    "inspection_keys",
    metadata,
    Column("inspection_id", Uuid, primary_key=True),
    # The authoritative time: deliveries of one part may disagree, its row may not move between partitions.
    Column("captured_at", UtcDateTime, nullable=False),
    # Modalities judged by the stored result; only a result that judged more replaces it.
    Column("judged", SmallInteger, nullable=False),
    UniqueConstraint("inspection_id", "captured_at"),
)

inspections = Table(
    "inspections",
    metadata,
    Column("inspection_id", Uuid, primary_key=True),
    Column("captured_at", UtcDateTime, primary_key=True),
    Column("stored_seq", BigInteger, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    Column("line", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("part_id", Text, nullable=False),
    Column("trigger_session", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("score", Double),
    Column("threshold", Double),
    Column("mode", String(16), nullable=False),
    Column("is_partial", Boolean, nullable=False),
    Column("is_simulated", Boolean, nullable=False),
    Column("result_state", String(16), nullable=False),
    Column("state_version", Integer),
    Column("model_digest", Text, nullable=False),
    # First capture to commit; None if no frame of the part carried a time.
    Column("latency_s", Double),
    # The whole result as it came; the columns before it exist to be asked for.
    Column("document", JsonText, nullable=False),
    ForeignKeyConstraint(
        ["inspection_id", "captured_at"],
        ["inspection_keys.inspection_id", "inspection_keys.captured_at"],
        ondelete="CASCADE",
    ),
    Index(None, "line", "captured_at", "inspection_id"),
    Index(None, "captured_at", "inspection_id"),
    # Defects are rare: without its own index a page of them would walk past every good part.
    Index(
        "ix_inspections_flagged",
        "captured_at",
        "inspection_id",
        postgresql_where=text("verdict <> 'ok'"),
        sqlite_where=text("verdict <> 'ok'"),
    ),
    Index(
        "ix_inspections_line_flagged",
        "line",
        "captured_at",
        "inspection_id",
        postgresql_where=text("verdict <> 'ok'"),
        sqlite_where=text("verdict <> 'ok'"),
    ),
    Index(None, "stored_seq"),
    Index(None, "part_id"),
    # Months of rows in a few pages: what a full scan over a time range needs.
    Index("ix_inspections_captured_at_brin", "captured_at", postgresql_using="brin").ddl_if(dialect="postgresql"),
    _one_of("verdict", Verdict),
    _one_of("mode", Mode),
    _one_of("result_state", ResultState),
    postgresql_partition_by="RANGE (captured_at)",
)

modality_verdicts = Table(
    "modality_verdicts",
    metadata,
    Column("inspection_id", Uuid, ForeignKey("inspection_keys.inspection_id", ondelete="CASCADE"), primary_key=True),
    Column("modality", Text, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("score", Double),
    Column("threshold", Double),
    Column("mode", String(16)),
    Column("deviation", Double),
    _one_of("state", ModalityState),
    _one_of("verdict", Verdict),
)

regions = Table(
    "regions",
    metadata,
    Column("inspection_id", Uuid, ForeignKey("inspection_keys.inspection_id", ondelete="CASCADE"), primary_key=True),
    Column("modality", Text, primary_key=True),
    Column("region_index", Integer, primary_key=True),
    # Line and time once more, so that a Pareto of defect types reads one index.
    Column("line", Text, nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("type", Text, nullable=False),
    Column("type_probability", Double),
    Column("x0_px", Integer, nullable=False),
    Column("y0_px", Integer, nullable=False),
    Column("x1_px", Integer, nullable=False),
    Column("y1_px", Integer, nullable=False),
    Column("area_px", Integer, nullable=False),
    Column("score", Double, nullable=False),
    Column("facts", JsonText, nullable=False),
    Index(None, "line", "captured_at"),
    Index(None, "type", "captured_at"),
)

# Which inspections name an object. Retention writes it, from the documents, before it decides about objects: on the way
# of a result it would cost more than everything else.
evidence_uses = Table(
    "evidence_uses",
    metadata,
    # First 64 bits of sha256(ref): an eighth of the bytes of the refs, of which every result has several. Two refs
    # that meet keep an object longer than needed, never shorter.
    Column("ref_hash", BigInteger, primary_key=True, autoincrement=False),
    Column("inspection_id", Uuid, primary_key=True),
    sqlite_with_rowid=False,
)

# One row: results up to this number have their objects in evidence_uses.
evidence_progress = Table(
    "evidence_progress",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("stored_seq", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

unused_objects = Table(
    "unused_objects",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("noticed_at", UtcDateTime, nullable=False),
)

payload_sweeps = Table(
    "payload_sweeps",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("swept_at", UtcDateTime, nullable=False),
)

# One row: the number of the newest stored result. Its row lock, held to the commit, makes numbers visible in order.
stored_sequence = Table(
    "stored_sequence",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# How many rows `inspections` has, counted in the transaction that adds or removes them.
verdict_totals = Table(
    "verdict_totals",
    metadata,
    Column("line", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("verdict", String(16), primary_key=True),
    Column("inspections", BigInteger, nullable=False),
    _one_of("verdict", Verdict),
)

reports = Table(
    "reports",
    metadata,
    # No foreign key: a report may come before its inspection.
    Column("inspection_id", Uuid, primary_key=True),
    Column("line", Text, nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("reporter", Text, nullable=False),
    Column("fallback", Boolean, nullable=False),
    Column("summary", Text, nullable=False),
    Column("document", JsonText, nullable=False),
    Index(None, "captured_at"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("feedback_id", Identity, primary_key=True),
    Column("command_id", Uuid, nullable=False),
    Column("inspection_id", Uuid, nullable=False),
    Column("line", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("label", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("given_at", UtcDateTime, nullable=False),
    UniqueConstraint("command_id", "inspection_id"),
    Index(None, "inspection_id"),
    CheckConstraint("label IN ('good', 'defect')", name="label"),
)

# Every change of a line's references, oldest first; the newest row of an inspection says whether it is one now.
state_references = Table(
    "state_references",
    metadata,
    Column("change_id", Identity, primary_key=True),
    Column("line", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("inspection_id", Uuid, nullable=False),
    Column("action", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("command_id", Uuid),
    Column("changed_at", UtcDateTime, nullable=False),
    Index(None, "line", "product", "inspection_id"),
    Index(None, "inspection_id"),
    CheckConstraint("action IN ('accepted', 'rejected')", name="action"),
)

line_states = Table(
    "line_states",
    metadata,
    Column("line", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("recipe", Text, nullable=False),
    Column("model_digest", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("tensors_ref", Text, nullable=False),
    Column("parent_version", Integer),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("document", JsonText, nullable=False),
)

line_state_activations = Table(
    "line_state_activations",
    metadata,
    Column("line", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("cluster", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("activated_at", UtcDateTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# What each source said about its frames: sets of sequence numbers, merged over all its heartbeats.
source_ledger = Table(
    "source_ledger",
    metadata,
    Column("line", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("session", Text, primary_key=True),
    Column("captured", Text, nullable=False, default=""),
    Column("published", Text, nullable=False, default=""),
    Column("settled", Text, nullable=False, default=""),
    Column("spooled", Text, nullable=False, default=""),
    Column("in_flight", Text, nullable=False, default=""),
    Column("dropped", JsonText, nullable=False, default="{}"),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("partition", Integer),
    Column("closed", Boolean, nullable=False, default=False),
    Column("spool", JsonText),
    # When the store heard of the session last, by the store's own clock: what its retention counts from.
    Column("heard_at", UtcDateTime, nullable=False),
)

# What became of each event, as sets in blocks of consecutive sequence numbers: one row says it for up to 65 536 events.
event_ledger = Table(
    "event_ledger",
    metadata,
    Column("line", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("session", Text, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("used", Text, nullable=False, default=""),
    Column("quarantined", JsonText, nullable=False, default="{}"),
    Column("late", Text, nullable=False, default=""),
    Column("redelivered", BigInteger, nullable=False, default=0),
    Column("heard_at", UtcDateTime, nullable=False),
)

broker_losses = Table(
    "broker_losses",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("first_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("last_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
    Column("noticed_at", UtcDateTime, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Identity, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("payload", JsonText, nullable=False),
    Column("state", String(16), nullable=False),
    # An open job may be taken from then on: now, after a failed attempt's pause, or when its holder's lease ends.
    Column("available_at", UtcDateTime, nullable=False),
    Column("owner", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("result", JsonText),
    Column("error", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("kind", "key"),
    Index(
        "ix_jobs_open",
        "kind",
        "available_at",
        postgresql_where=text("state = 'open'"),
        sqlite_where=text("state = 'open'"),
    ),
    CheckConstraint("state IN ('open', 'done', 'failed')", name="state"),
)

commands = Table(
    "commands",
    metadata,
    Column("command_id", Uuid, primary_key=True),
    Column("line", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("document", JsonText, nullable=False),
    Column(
        "status",
        String(16),
        nullable=False,
    ),
    Column("message", Text, nullable=False, default=""),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index(None, "line", "recorded_at"),
    CheckConstraint("status IN ('open', 'done', 'failed')", name="status"),
)
