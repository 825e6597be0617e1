"""Which inspections name an object (table ``evidence_uses``), brought up to date from their documents."""

import hashlib
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select, update

from storage.database import Database
from storage.dialect_insert import insert_into
from storage.schema import evidence_progress, evidence_uses, inspection_keys, inspections
from wire.inspection import Inspection

# Inspections taken up in one transaction, during which no sink can replace them: some tens of milliseconds.
_CHUNK = 500


def ref_hash(ref: str) -> int:
    """The first 64 bits of sha256(ref), signed: the key of ``evidence_uses``."""
    return int.from_bytes(hashlib.sha256(ref.encode()).digest()[:8], "big", signed=True)


def refs_of(document: str) -> set[str]:
    """The objects that a stored result names."""
    return {each.ref for each in Inspection.from_json(document).evidence}


def record_uses(database: Database) -> None:
    """Take up every result that was stored since the last time.

    What is stored meanwhile is missing until the next time; its objects are young, and retention leaves those alone.
    """
    while True:
        with database.begin_write() as connection:
            if not _record_chunk(connection):
                return


def forget_uses(connection: Connection, refs: Mapping[UUID, Iterable[str]]) -> None:
    """Inspections cease to need what they named."""
    pairs = [{"h": ref_hash(ref), "i": inspection_id} for inspection_id, named in refs.items() for ref in named]
    if pairs:
        used = evidence_uses.c
        connection.execute(
            # By the whole primary key: the table has no index that begins with the inspection.
            delete(evidence_uses).where(used.ref_hash == bindparam("h"), used.inspection_id == bindparam("i")),
            pairs,
        )


def _record_chunk(connection: Connection) -> bool:
    columns, keys = inspections.c, inspection_keys.c
    known = connection.execute(select(evidence_progress.c.stored_seq).with_for_update()).scalar_one()
    newer = connection.execute(
        select(columns.stored_seq, columns.inspection_id)
        .where(columns.stored_seq > known)
        .order_by(columns.stored_seq)
        .limit(_CHUNK)
    ).all()
    if not newer:
        return False
    upto = newer[-1].stored_seq
    connection.execute(
        select(keys.inspection_id)
        .where(keys.inspection_id.in_([row.inspection_id for row in newer]))
        .order_by(keys.inspection_id)
        .with_for_update()
    ).all()
    # Once more, now that no sink can replace them: what was replaced meanwhile has a higher number and comes later.
    rows = connection.execute(
        select(columns.inspection_id, columns.document).where(columns.stored_seq > known, columns.stored_seq <= upto)
    )
    uses = [
        {"ref_hash": ref_hash(ref), "inspection_id": row.inspection_id} for row in rows for ref in refs_of(row.document)
    ]
    if uses:
        connection.execute(insert_into(connection, evidence_uses).on_conflict_do_nothing(), uses)
    connection.execute(update(evidence_progress).values(stored_seq=upto))
    return True
