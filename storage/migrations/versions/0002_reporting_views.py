"""Views for people who ask the history in SQL (Grafana), PostgreSQL alone.

They are a contract: columns may be added, none is renamed or removed within a major version. Who may read them is said
by ``lineside migrate --reader-role``; nothing else of the database is open to that role.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INSPECTIONS = """
CREATE VIEW reporting.inspections AS
SELECT
    inspection_id, captured_at, stored_at, line, product, part_id, job, recipe, verdict, score, threshold, mode,
    is_partial, is_simulated, state_version, model_digest, latency_s
FROM inspections
"""
# One row per marked region. Both keys of the join, so that PostgreSQL looks into one partition.
_DEFECTS = """
CREATE VIEW reporting.defects AS
SELECT
    r.inspection_id, r.captured_at, r.line, i.product, i.part_id, i.job, r.modality, r.region_index,
    r.type, r.type_probability, r.score, r.area_px, r.x0_px, r.y0_px, r.x1_px, r.y1_px,
    i.state_version, p.summary AS report, p.fallback AS report_is_template,
    (SELECT f.label FROM feedback f WHERE f.inspection_id = r.inspection_id ORDER BY f.feedback_id DESC LIMIT 1)
        AS answer
FROM regions r
JOIN inspections i ON i.inspection_id = r.inspection_id AND i.captured_at = r.captured_at
LEFT JOIN reports p ON p.inspection_id = r.inspection_id
WHERE i.verdict = 'defect'
"""
_LINES = """
CREATE VIEW reporting.lines AS
SELECT line, product, sum(inspections) AS inspections,
    sum(inspections) FILTER (WHERE verdict = 'defect') AS defects
FROM verdict_totals
GROUP BY line, product
"""


def upgrade() -> None:
    """Make the schema ``reporting`` and its views."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SCHEMA reporting")
        for view in (_INSPECTIONS, _DEFECTS, _LINES):
            op.execute(view)


def downgrade() -> None:
    """Remove them."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SCHEMA reporting CASCADE")
