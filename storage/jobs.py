"""Work that takes longer than a rebalance allows: kept in SQL, done under a lease (DESIGN §3)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from storage.clock import utc_now
from storage.database import Database
from storage.dialect_insert import insert_into
from storage.schema import jobs

_OPEN, _DONE, _FAILED = "open", "done", "failed"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One leased job. ``attempts`` counts leases, this one included, and so tells a lost lease from the present one."""

    job_id: int
    kind: str
    key: str
    line: str
    payload: dict[str, Any]
    owner: str
    attempts: int


class JobStore:
    """A queue per kind. At least once: a job whose lease ends is leased again, so its work must bear repetition.

    Leases are counted by the database's clock on PostgreSQL, by the host's on SQLite.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, kind: str, key: str, line: str, payload: dict[str, Any]) -> bool:
        """Add a job; False if ``(kind, key)`` was ever added before (whatever became of it)."""
        with self._database.begin_write() as connection:
            now = self._now(connection)
            added = connection.execute(
                insert_into(connection, jobs)
                .values(
                    kind=kind,
                    key=key,
                    line=line,
                    payload=json.dumps(payload),
                    state=_OPEN,
                    available_at=now,
                    created_at=now,
                )
                .on_conflict_do_nothing()
                .returning(jobs.c.job_id)
            )
            return added.first() is not None

    def lease(self, kind: str, owner: str, lease_s: float, limit: int = 1) -> list[Job]:
        """Take up to ``limit`` open jobs, oldest first, for ``lease_s`` seconds; nobody else gets them meanwhile."""
        with self._database.begin_write() as connection:
            now = self._now(connection)
            free = (
                select(jobs.c.job_id)
                .where(jobs.c.kind == kind, jobs.c.state == _OPEN, jobs.c.available_at <= now)
                .order_by(jobs.c.available_at, jobs.c.job_id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            identifiers = connection.execute(free).scalars().all()
            rows = connection.execute(
                update(jobs)
                .where(jobs.c.job_id.in_(identifiers))
                .values(owner=owner, available_at=now + timedelta(seconds=lease_s), attempts=jobs.c.attempts + 1)
                .returning(
                    jobs.c.job_id, jobs.c.kind, jobs.c.key, jobs.c.line, jobs.c.payload, jobs.c.owner, jobs.c.attempts
                )
            ).mappings()
            return sorted((_job(row) for row in rows), key=lambda job: identifiers.index(job.job_id))

    def renew(self, job: Job, lease_s: float) -> bool:
        """Hold on to a job for another ``lease_s`` seconds; False if somebody else has it by now: stop the work."""
        with self._database.begin_write() as connection:
            until = self._now(connection) + timedelta(seconds=lease_s)
            return _update(connection, job, available_at=until)

    def finish(self, job: Job, result: dict[str, Any] | None = None) -> bool:
        """Close a job as done; False if the lease was lost and somebody else has or finished it."""
        with self._database.begin_write() as connection:
            text = None if result is None else json.dumps(result)
            return _update(connection, job, state=_DONE, result=text, error=None, finished_at=self._now(connection))

    def fail(self, job: Job, error: str, retry_in_s: float | None) -> bool:
        """Give a job back for a try after ``retry_in_s`` seconds, or for good (None); False if the lease was lost."""
        with self._database.begin_write() as connection:
            now = self._now(connection)
            if retry_in_s is None:
                return _update(connection, job, state=_FAILED, error=error, finished_at=now)
            return _update(connection, job, owner=None, error=error, available_at=now + timedelta(seconds=retry_in_s))

    def pending(self, kind: str) -> int:
        """How many jobs are open, leased ones included."""
        with self._database.begin_read() as connection:
            statement = select(func.count()).where(jobs.c.kind == kind, jobs.c.state == _OPEN)
            return int(connection.execute(statement).scalar_one())

    def _now(self, connection: Connection) -> datetime:
        if not self._database.is_postgres:
            return utc_now()
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment


def _update(connection: Connection, job: Job, **values: Any) -> bool:
    held: Sequence[ColumnElement[bool]] = (
        jobs.c.job_id == job.job_id,
        jobs.c.state == _OPEN,
        jobs.c.owner == job.owner,
        jobs.c.attempts == job.attempts,
    )
    return connection.execute(update(jobs).where(*held).values(**values)).rowcount == 1


def _job(row: RowMapping) -> Job:
    return Job(**{**row, "payload": json.loads(row["payload"])})
