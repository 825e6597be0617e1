"""Reading what was inspected: one part, pages, live feeds, figures, learning sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from storage import statistics
from storage.database import Database
from storage.history_filter import HistoryFilter
from storage.position import Position, newest_first
from storage.schema import inspection_keys, inspections
from storage.statistics import Bucket, Latency, LearningLine, ParetoEntry
from storage.stored_inspection import STORED_COLUMNS, StoredInspection, with_company
from wire.finding import Verdict
from wire.inspection import Inspection


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """Items, newest capture first; ``next_cursor`` leads to the older ones, None at the end."""

    items: Sequence[StoredInspection]
    next_cursor: str | None


class History:
    """Questions about stored inspections. Every answer is one consistent moment of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, inspection_id: UUID) -> StoredInspection | None:
        """One inspection; None if it is not (or no longer) stored."""
        # Only the key names the partition, and only as a subquery: a join would look into every month.
        captured_at = select(inspection_keys.c.captured_at).where(inspection_keys.c.inspection_id == inspection_id)
        statement = select(*STORED_COLUMNS).where(
            inspections.c.inspection_id == inspection_id, inspections.c.captured_at == captured_at.scalar_subquery()
        )
        with self._database.begin_read() as connection:
            rows = connection.execute(statement).mappings()
            found = with_company(connection, rows)
        return found[0] if found else None

    def page(self, wanted: HistoryFilter, limit: int, cursor: str | None = None) -> HistoryPage:
        """Up to ``limit`` inspections, newest capture first; rows that arrive meanwhile move no page.

        DecodeError('cursor') if ``cursor`` is not a ``next_cursor``.
        """
        statement = select(*STORED_COLUMNS).where(*wanted.conditions())
        if cursor is not None:
            statement = statement.where(Position.from_cursor(cursor).older())
        with self._database.begin_read() as connection:
            rows = connection.execute(statement.order_by(*newest_first()).limit(limit + 1)).mappings().all()
            items = with_company(connection, rows[:limit])
        if len(rows) <= limit:
            return HistoryPage(items=items, next_cursor=None)
        last = items[-1].inspection
        return HistoryPage(items=items, next_cursor=Position(last.captured_at, last.inspection_id).to_cursor())

    def count(self, wanted: HistoryFilter, at_most: int) -> int:
        """How many inspections match; counting ends at ``at_most``, so that it costs the same in any history."""
        some = select(inspections.c.inspection_id).where(*wanted.conditions()).limit(at_most).subquery()
        with self._database.begin_read() as connection:
            return int(connection.execute(select(func.count()).select_from(some)).scalar_one())

    def stored_after(self, stored_seq: int, limit: int) -> list[StoredInspection]:
        """Up to ``limit`` results that became visible after number ``stored_seq``, in that order.

        Numbers become visible in ascending order, so who continues from the last one misses nothing.
        """
        statement = select(*STORED_COLUMNS).where(inspections.c.stored_seq > stored_seq)
        with self._database.begin_read() as connection:
            rows = connection.execute(statement.order_by(inspections.c.stored_seq).limit(limit)).mappings()
            return with_company(connection, rows)

    def newest_seq(self) -> int:
        """The number of the newest stored result, 0 if there is none: where a live feed begins."""
        with self._database.begin_read() as connection:
            return connection.execute(select(func.max(inspections.c.stored_seq))).scalar_one() or 0

    def statistics(self, line: str | None, since: datetime, until: datetime, bucket_s: int) -> list[Bucket]:
        """Counts per line and bucket of ``bucket_s`` seconds, oldest first; empty buckets are left out."""
        with self._database.begin_read() as connection:
            return statistics.buckets(connection, line, since, until, bucket_s)

    def pareto(
        self, line: str | None, since: datetime | None = None, until: datetime | None = None
    ) -> list[ParetoEntry]:
        """Types of defects by line and number of parts, most first."""
        with self._database.begin_read() as connection:
            return statistics.pareto(connection, line, since, until)

    def latency(self, line: str | None, since: datetime | None = None) -> Latency:
        """First capture to committed row: p50, p95, p99 in seconds."""
        with self._database.begin_read() as connection:
            return statistics.latency(connection, line, since)

    def scored_count(self, line: str | None, since: datetime | None = None) -> int:
        """How many parts a detector has scored; the others had no frame that could be read."""
        with self._database.begin_read() as connection:
            return statistics.scored_count(connection, line, since)

    def verdict_counts(self, line: str | None = None) -> dict[Verdict, int]:
        """Stored inspections by verdict."""
        with self._database.begin_read() as connection:
            return statistics.verdict_counts(connection, line)

    def first_inspections(self, line: str, product: str, n: int, *, complete_only: bool = True) -> list[Inspection]:
        """The first ``n`` inspections of a line's product by capture time; ``complete_only``: without partial ones."""
        columns = inspections.c
        statement = select(columns.document).where(columns.line == line, columns.product == product)
        if complete_only:
            statement = statement.where(~columns.is_partial)
        with self._database.begin_read() as connection:
            rows = connection.execute(statement.order_by(columns.captured_at, columns.inspection_id).limit(n))
            return [Inspection.from_json(row.document) for row in rows]

    def learning_lines(self) -> list[LearningLine]:
        """Lines and products with inspections but without a state yet."""
        with self._database.begin_read() as connection:
            return statistics.learning_lines(connection)
