"""Deleting objects that no row needs any more (DESIGN §6)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice

from sqlalchemy import delete, select

from storage.database import Database
from storage.dialect_insert import insert_into
from storage.evidence_uses import ref_hash
from storage.objects import ObjectPayloadStore
from storage.schema import evidence_uses, payload_sweeps, unused_objects

PAYLOADS, EVIDENCE = "payloads", "evidence"

# Objects looked up in one query: enough that round trips do not matter, few enough that a run can be stopped anywhere.
_CHUNK = 500
# A folder is listed again only after so long: listing costs as much as there are objects, and what a first pass leaves
# (objects that rows need) is deleted when those rows go. A later pass only finds what late or failed workers left.
_SWEEP_AGAIN_AFTER = timedelta(days=30)


class ObjectSweep:
    """Deletes objects that are older than ``young_after`` and that no stored inspection names.

    ``record_uses`` has to be called just before. Age is by the last put, and workers put an object again before they
    name it: what is about to be named is young. Objects of line states lie elsewhere and are never touched.
    """

    def __init__(self, database: Database, payloads: ObjectPayloadStore) -> None:
        self._database = database
        self._payloads = payloads

    def noted(self, young_after: datetime) -> int:
        """Go through the objects that removed rows named; the number of objects deleted."""
        deleted, after = 0, ""
        while refs := self._noted_after(after):
            after = refs[-1]
            needed = self._needed(refs)
            done = [ref for ref in refs if ref in needed]
            for ref in refs:
                if ref not in needed:
                    modified_at = self._payloads.modified_at(ref)
                    if modified_at is None or modified_at < young_after:
                        self._payloads.delete(ref)
                        deleted += modified_at is not None
                        done.append(ref)
            # After the deletion: a crash in between repeats it.
            with self._database.begin_write() as connection:
                connection.execute(delete(unused_objects).where(unused_objects.c.ref.in_(done)))
        return deleted

    def folders(self, young_after: datetime, now: datetime) -> int:
        """Go through folders not listed for long, for objects whose result never came; the number deleted."""
        swept = self._swept_since(now - _SWEEP_AGAIN_AFTER)
        deleted = 0
        for folder in [*self._payload_days(young_after.date()), *self._payloads.folders(EVIDENCE)]:
            if folder not in swept:
                deleted += self._sweep(folder, young_after)
                self._mark(folder, now)
        return deleted

    def _sweep(self, folder: str, young_after: datetime) -> int:
        deleted = 0
        old = (found.key for found in self._payloads.objects(folder) if found.modified_at < young_after)
        for refs in _chunks(old):
            needed = self._needed(refs)
            for ref in refs:
                if ref not in needed:
                    self._payloads.delete(ref)
                    deleted += 1
        return deleted

    def _payload_days(self, before: date) -> Iterator[str]:
        """``payloads/<line>/<yyyy>/<mm>/<dd>`` of every day that ended before ``before``."""
        last = f"{before:%Y/%m/%d}"
        for line in self._payloads.folders(PAYLOADS):
            for year in self._payloads.folders(line):
                for month in self._payloads.folders(year):
                    for day in self._payloads.folders(month):
                        if day.removeprefix(f"{line}/") < last:
                            yield day

    def _noted_after(self, ref: str) -> Sequence[str]:
        columns = unused_objects.c
        with self._database.begin_read() as connection:
            statement = select(columns.ref).where(columns.ref > ref).order_by(columns.ref).limit(_CHUNK)
            return connection.execute(statement).scalars().all()

    def _needed(self, refs: Sequence[str]) -> set[str]:
        hashes = {ref_hash(ref): ref for ref in refs}
        column = evidence_uses.c.ref_hash
        with self._database.begin_read() as connection:
            used = connection.execute(select(column).where(column.in_(list(hashes))).distinct()).scalars()
            return {hashes[each] for each in used}

    def _swept_since(self, moment: datetime) -> set[str]:
        columns = payload_sweeps.c
        with self._database.begin_read() as connection:
            return set(connection.execute(select(columns.prefix).where(columns.swept_at > moment)).scalars())

    def _mark(self, folder: str, now: datetime) -> None:
        with self._database.begin_write() as connection:
            statement = insert_into(connection, payload_sweeps).values(prefix=folder, swept_at=now)
            connection.execute(statement.on_conflict_do_update(index_elements=["prefix"], set_={"swept_at": now}))


def _chunks(keys: Iterable[str]) -> Iterator[Sequence[str]]:
    rest = iter(keys)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
