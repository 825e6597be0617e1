"""Removing what is old enough: rows first, then the objects that no row and no reference needs any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select, tuple_, union_all

from storage.database import Database
from storage.evidence_uses import record_uses
from storage.inspection_removal import remove_rows
from storage.object_sweep import ObjectSweep
from storage.objects import ObjectPayloadStore
from storage.partitions import create_partitions_ahead, drop_empty_partitions
from storage.position import Position, among
from storage.references import accepted_among, lock_references
from storage.retention_policy import RetentionPolicy
from storage.schema import event_ledger, inspection_keys, inspections, jobs, line_states, reports, source_ledger
from storage.verdict_totals import VerdictCounts, add_to_totals
from wire.line_state import StateMetadata

# Rows removed in one transaction: long enough to cost little, short enough that a sink waits only milliseconds for it.
_CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class RetentionCounts:
    """What one run removed."""

    inspections: int
    reports: int
    objects: int
    sessions: int
    jobs: int
    partitions: int


class Retention:
    """The retention job. May be stopped anywhere and run by several processes at once; the next run goes on."""

    def __init__(self, database: Database, payloads: ObjectPayloadStore) -> None:
        self._database = database
        self._payloads = payloads

    def run(self, policy: RetentionPolicy, now: datetime) -> RetentionCounts:
        """Make room, in this order.

        1 partitions for the coming months · 2 which objects the stored inspections name · 3 expired inspections with
        their rows; their objects are noted · 4 reports whose inspection never came, silent sessions of the ledger,
        finished jobs · 5 noted objects · 6 objects of folders that were not looked through for long · 7 partitions
        without rows. DatabaseUnavailable, ObjectStoreUnavailable: what was done so far stays done.
        """
        young_after = policy.young_after(now)
        with self._database.begin_write() as connection:
            create_partitions_ahead(connection, now)
        record_uses(self._database)
        removed = self._remove_inspections(policy, now)
        with self._database.begin_write() as connection:
            lone_reports = _remove_lone_reports(connection, young_after)
            sessions = _remove_sessions(connection, now - policy.ledger_age)
            finished = _remove_jobs(connection, now - policy.job_age)
        sweep = ObjectSweep(self._database, self._payloads)
        objects = sweep.noted(young_after) + sweep.folders(young_after, now)
        with self._database.begin_write() as connection:
            partitions = drop_empty_partitions(connection, before=young_after)
        return RetentionCounts(
            inspections=removed,
            reports=lone_reports,
            objects=objects,
            sessions=sessions,
            jobs=finished,
            partitions=partitions,
        )

    def _remove_inspections(self, policy: RetentionPolicy, now: datetime) -> int:
        expired = or_(
            *(
                and_(inspections.c.verdict == verdict.value, inspections.c.captured_at < now - age)
                for verdict, age in policy.ages.items()
            )
        )
        condition = and_(expired, inspections.c.stored_at < policy.young_after(now))
        protected = self._references_of_states()
        removed, position = 0, None
        while True:
            with self._database.begin_write() as connection:
                candidates = _candidates(connection, condition, position)
                if not candidates:
                    return removed
                position = candidates[-1]
                going = [each for each in candidates if each.inspection_id not in protected]
                removed += _remove(connection, self._database, going, condition, now)

    def _references_of_states(self) -> set[UUID]:
        with self._database.begin_read() as connection:
            documents = connection.execute(select(line_states.c.document)).scalars()
            return {each for document in documents for each in StateMetadata.from_json(document).references}


def _candidates(connection: Connection, condition: ColumnElement[bool], after: Position | None) -> Sequence[Position]:
    columns = inspections.c
    statement = select(columns.captured_at, columns.inspection_id).where(condition)
    if after is not None:
        statement = statement.where(after.newer())
    rows = connection.execute(statement.order_by(columns.captured_at, columns.inspection_id).limit(_CHUNK))
    return [Position(row.captured_at, row.inspection_id) for row in rows]


def _remove(
    connection: Connection, database: Database, going: Sequence[Position], condition: ColumnElement[bool], now: datetime
) -> int:
    keys, columns = inspection_keys.c, inspections.c
    identifiers = [place.inspection_id for place in going]
    connection.execute(
        select(keys.inspection_id)
        .where(keys.inspection_id.in_(identifiers))
        .order_by(keys.inspection_id)
        .with_for_update()
    ).all()
    # Once more, now that no sink can replace them: a better result may have come meanwhile.
    rows = connection.execute(
        select(columns.inspection_id, columns.captured_at, columns.line, columns.product).where(among(going), condition)
    ).all()
    lock_references(database, connection, {(row.line, row.product) for row in rows})
    accepted = accepted_among(connection, [row.inspection_id for row in rows])
    places = [Position(row.captured_at, row.inspection_id) for row in rows if row.inspection_id not in accepted]
    counts = remove_rows(connection, places, now)
    gone = [place.inspection_id for place in places]
    connection.execute(delete(reports).where(reports.c.inspection_id.in_(gone)))
    connection.execute(delete(inspection_keys).where(keys.inspection_id.in_(gone)))
    change = VerdictCounts()
    change.subtract(counts)
    add_to_totals(connection, change)
    return len(gone)


def _remove_lone_reports(connection: Connection, before: datetime) -> int:
    known = exists().where(inspection_keys.c.inspection_id == reports.c.inspection_id)
    return connection.execute(delete(reports).where(reports.c.created_at < before, ~known)).rowcount


def _remove_sessions(connection: Connection, before: datetime) -> int:
    """Whole sessions only: a block of a session that goes on is still needed, however old it is."""
    heard = union_all(
        *(
            select(table.c.line, table.c.source, table.c.session, table.c.heard_at)
            for table in (source_ledger, event_ledger)
        )
    ).subquery()
    names = (heard.c.line, heard.c.source, heard.c.session)
    silent = connection.execute(select(*names).group_by(*names).having(func.max(heard.c.heard_at) < before)).all()
    for table in (source_ledger, event_ledger):
        for session in silent:
            connection.execute(
                delete(table).where(tuple_(table.c.line, table.c.source, table.c.session) == tuple_(*session))
            )
    return len(silent)


def _remove_jobs(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(jobs).where(jobs.c.state != "open", jobs.c.finished_at < before)).rowcount
