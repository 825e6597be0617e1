"""Taking an inspection's rows away: before a better result replaces them, or when they are old enough."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from storage.position import Position, among
from storage.result_rows import ref_hash
from storage.schema import evidence_uses, inspections, modality_verdicts, regions
from storage.unused_objects import note_unused
from storage.verdict_totals import VerdictCounts
from wire.inspection import Inspection


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
    refs = {row.inspection_id: {each.ref for each in Inspection.from_json(row.document).evidence} for row in rows}
    uses = [{"h": ref_hash(ref), "i": identifier} for identifier, named in refs.items() for ref in named]
    if uses:
        # By the whole primary key: the table has no index that begins with the inspection.
        used = evidence_uses.c
        connection.execute(
            delete(evidence_uses).where(used.ref_hash == bindparam("h"), used.inspection_id == bindparam("i")), uses
        )
    note_unused(connection, {ref for named in refs.values() for ref in named}, now)
    for table in (modality_verdicts, regions):
        connection.execute(delete(table).where(table.c.inspection_id.in_(list(refs))))
    connection.execute(delete(inspections).where(among(places)))
    return VerdictCounts((row.line, row.product, row.verdict) for row in rows)
