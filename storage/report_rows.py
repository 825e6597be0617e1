"""Writing reports: one per inspection, the newest."""

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from sqlalchemy import Connection, Executable

from storage.bulk_insert import clean_text
from storage.dialect_insert import insert_for
from storage.schema import reports
from wire.inspection import Report


def upsert_reports(connection: Connection, offered: Sequence[Report]) -> int:
    """Store ``offered``; an older report never replaces a newer one. The number of reports that were stored."""
    newest: dict[UUID, Report] = {}
    for report in offered:
        known = newest.get(report.inspection_id)
        if known is None or report.created_at > known.created_at:
            newest[report.inspection_id] = report
    if not newest:
        return 0
    result = connection.execute(
        _statement(connection.dialect.name),
        [
            {
                "inspection_id": report.inspection_id,
                "line": report.line,
                "captured_at": report.captured_at,
                "created_at": report.created_at,
                "reporter": clean_text(report.reporter),
                "fallback": report.fallback,
                "summary": clean_text(report.summary),
                "document": report.to_json().decode(),
            }
            for _, report in sorted(newest.items())
        ],
        execution_options={"preserve_rowcount": True},
    )
    return result.rowcount


@cache
def _statement(dialect: str) -> Executable:
    statement = insert_for(dialect, reports)
    excluded = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["inspection_id"],
        set_={name: excluded[name] for name in ("created_at", "reporter", "fallback", "summary", "document")},
        where=excluded.created_at > reports.c.created_at,
    )
