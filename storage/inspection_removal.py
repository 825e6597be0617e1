"""Taking an inspection's rows away: before a better result replaces them, or when they are old enough."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from storage.evidence_uses import forget_uses, refs_of
from storage.position import Position, among
from storage.schema import inspections, modality_verdicts, regions
from storage.unused_objects import note_unused
from storage.verdict_totals import VerdictCounts


def remove_rows(connection: Connection, places: Sequence[Position], now: datetime) -> VerdictCounts:
    """Remove the rows of inspections whose keys the caller has locked; the keys stay.

    Objects that they named are noted as perhaps unused. Returns how many rows ``inspections`` lost.
    """
    columns = inspections.c
    rows = connection.execute(
        select(
            columns.inspection_id,
            columns.captured_at,
            columns.line,
            columns.product,
            columns.verdict,
            columns.document,
        ).where(among(places))
    ).all()
    if not rows:
        return VerdictCounts()
    refs = {row.inspection_id: refs_of(row.document) for row in rows}
    forget_uses(connection, refs)
    note_unused(connection, {ref for named in refs.values() for ref in named}, now)
    for table in (modality_verdicts, regions):
        connection.execute(delete(table).where(table.c.inspection_id.in_(list(refs))))
    connection.execute(delete(inspections).where(among(places)))
    return VerdictCounts((row.line, row.product, row.verdict) for row in rows)
