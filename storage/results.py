"""Writing what the workers found out: one transaction per batch, exactly one row per part."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from threading import Lock

from sqlalchemy import Connection, bindparam, update

from storage.bulk_insert import insert_rows, moment_text
from storage.clock import Clock, utc_now
from storage.database import Database
from storage.dialect_insert import insert_into
from storage.event_ledger import record_outcomes
from storage.inspection_keys import Claims, claim
from storage.inspection_removal import remove_rows
from storage.partitions import Month, create_partitions, month_of
from storage.position import Position
from storage.report_rows import upsert_reports
from storage.result_batch import ResultBatch, WriteCounts
from storage.result_rows import ResultRows, result_rows
from storage.schema import broker_losses, inspections, modality_verdicts, regions, stored_sequence
from storage.source_ledger import record_heartbeats
from storage.verdict_totals import VerdictCounts, add_to_totals
from wire.inspection import Inspection
from wire.ledger import BrokerLoss

_TAKE_NUMBERS = (
    update(stored_sequence)
    .values(value=stored_sequence.c.value + bindparam("count"))
    .where(stored_sequence.c.id == 1)
    .returning(stored_sequence.c.value)
)


class ResultSink:
    """Writes batches. Thread-safe; any number of sinks, in any number of processes, may write the same results.

    ``now`` stamps ``stored_at``. Results of one part that judged equally many modalities: the first one stays.
    """

    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database = database
        self._now = now
        self._months: set[Month] = set()
        self._lock = Lock()

    def write(self, batch: ResultBatch) -> WriteCounts:
        """Write everything or nothing; when this returns, it is committed.

        1 partitions of new months (a transaction of their own) · 2 claim the inspections' ids · 3 their child rows ·
        4 reports, dispositions, heartbeats, losses · 5 totals, then the next numbers (from here on, other sinks wait)
        · 6 the inspections' own rows · 7 commit. DatabaseUnavailable: nothing was written, or the answer to the commit
        was lost; writing the same batch again is right in both cases.
        """
        offered = _most_judged(batch)
        self._ensure_partitions(batch.inspections)
        with self._database.begin_write() as connection:
            claims = claim(connection, list(offered.values()))
            replaced = [Position(key.captured_at, key.inspection_id) for key in claims.better.values()]
            removed = remove_rows(connection, replaced, self._now()) if replaced else VerdictCounts()
            written = _written(offered, claims)
            insert_rows(connection, modality_verdicts, [row for each in written for row in each.verdicts])
            insert_rows(connection, regions, [row for each in written for row in each.regions])
            report_count = upsert_reports(connection, batch.reports)
            disposed = record_outcomes(connection, batch.inspections, batch.dispositions, self._now())
            record_heartbeats(connection, batch.heartbeats, self._now())
            _add_losses(connection, batch.losses)
            _add_totals(connection, written, removed)
            next_seq = _take_numbers(connection, len(written)) if written else 0
            stored_at = self._now()
            at_text = moment_text(stored_at)
            rows = [each.inspection_row(number, stored_at, at_text) for number, each in enumerate(written, next_seq)]
            insert_rows(connection, inspections, rows)
        return _counts(batch, offered, claims, report_count, disposed, stored_at)

    def _ensure_partitions(self, results: Iterable[Inspection]) -> None:
        if not self._database.is_postgres:
            return
        months = {month_of(result.captured_at) for result in results}
        with self._lock:
            missing = months - self._months
        if missing:
            with self._database.begin_write() as connection:
                create_partitions(connection, missing, self._now())
            with self._lock:
                self._months |= missing


def _most_judged(batch: ResultBatch) -> dict[str, ResultRows]:
    best: dict[str, ResultRows] = {}
    for result, document in zip_longest(batch.inspections, batch.documents):
        rows = result_rows(result, document)
        known = best.setdefault(rows.identifier, rows)
        if known is not rows and rows.judged > known.judged:
            best[rows.identifier] = rows
    return best


def _written(offered: Mapping[str, ResultRows], claims: Claims) -> list[ResultRows]:
    written = []
    for identifier, rows in offered.items():
        if identifier in claims.new:
            written.append(rows)
        elif (key := claims.better.get(identifier)) is not None:
            # The part's row stays where it is, whatever time this delivery carries.
            written.append(result_rows(rows.inspection.model_copy(update={"captured_at": key.captured_at})))
    return written


def _add_losses(connection: Connection, losses: Sequence[BrokerLoss]) -> None:
    if losses:
        connection.execute(
            insert_into(connection, broker_losses).on_conflict_do_nothing(),
            [loss.model_dump(by_alias=False) for loss in losses],
        )


def _add_totals(connection: Connection, written: Iterable[ResultRows], removed: VerdictCounts) -> None:
    change = VerdictCounts((each.columns[0], each.columns[1], each.columns[6]) for each in written)
    change.subtract(removed)
    add_to_totals(connection, change)


def _take_numbers(connection: Connection, count: int) -> int:
    return int(connection.execute(_TAKE_NUMBERS, {"count": count}).scalar_one()) - count + 1


def _counts(
    batch: ResultBatch,
    offered: Mapping[str, ResultRows],
    claims: Claims,
    report_count: int,
    disposed: int,
    stored_at: datetime,
) -> WriteCounts:
    repeated = Counter(result.line for result in batch.inspections)
    repeated.subtract(
        each.inspection.line for key, each in offered.items() if key in claims.new or key in claims.better
    )
    return WriteCounts(
        inserted=[each.inspection for key, each in offered.items() if key in claims.new],
        replaced=len(claims.better),
        redelivered=repeated.total(),
        redelivered_by_line={line: count for line, count in repeated.items() if count},
        reports=report_count,
        dispositions=disposed,
        stored_at=stored_at,
    )
