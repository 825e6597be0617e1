"""Figures over the history: time buckets, Pareto of defect types, latency, totals."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, case, cast, distinct, func, or_, select

from storage.history_filter import in_range
from storage.schema import inspections, line_states, regions, verdict_totals
from wire.finding import Verdict

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERCENTS = (50, 95, 99)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One line's parts captured in [start, start + bucket): counts and the mean fused score (None: nothing judged)."""

    start: datetime
    line: str
    total: int
    defect: int
    unknown: int
    mean_score: float | None


@dataclass(frozen=True, kw_only=True)
class ParetoEntry:
    """One type of defect on one line: parts that show it, regions in all."""

    type: str
    line: str
    parts: int
    regions: int


@dataclass(frozen=True, kw_only=True)
class Latency:
    """First capture to committed row, in seconds, of ``parts`` parts; None where there are none. Nearest rank."""

    parts: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, kw_only=True)
class LearningLine:
    """A line and product without any state yet, and how many inspections it has."""

    line: str
    product: str
    inspections: int


def buckets(connection: Connection, line: str | None, since: datetime, until: datetime, bucket_s: int) -> list[Bucket]:
    """Counts per line and time bucket, oldest first; buckets begin at multiples of ``bucket_s`` since 1970."""
    columns = inspections.c
    number = _bucket_number(connection, columns.captured_at, bucket_s).label("bucket")
    statement = (
        select(
            number,
            columns.line,
            func.count().label("total"),
            _count_of(Verdict.DEFECT).label("defect"),
            _count_of(Verdict.UNKNOWN).label("unknown"),
            func.avg(columns.score).label("mean_score"),
        )
        .where(*in_range(columns, line, since, until))
        .group_by(number, columns.line)
        .order_by(number, columns.line)
    )
    return [
        Bucket(
            start=_EPOCH + timedelta(seconds=row.bucket * bucket_s),
            line=row.line,
            total=row.total,
            defect=row.defect,
            unknown=row.unknown,
            mean_score=row.mean_score,
        )
        for row in connection.execute(statement)
    ]


def pareto(
    connection: Connection, line: str | None, since: datetime | None, until: datetime | None
) -> list[ParetoEntry]:
    """Types of defects by line, the one on most parts first."""
    columns = regions.c
    parts = func.count(distinct(columns.inspection_id)).label("parts")
    statement = (
        select(columns.type, columns.line, parts, func.count().label("regions"))
        .where(*in_range(columns, line, since, until))
        .group_by(columns.type, columns.line)
        .order_by(parts.desc(), columns.type, columns.line)
    )
    return [
        ParetoEntry(type=row.type, line=row.line, parts=row.parts, regions=row.regions)
        for row in connection.execute(statement)
    ]


def latency(connection: Connection, line: str | None, since: datetime | None) -> Latency:
    """Percentiles over parts captured since ``since``."""
    columns = inspections.c
    ranked = (
        select(
            columns.latency_s,
            func.row_number().over(order_by=columns.latency_s).label("rank"),
            func.count().over().label("parts"),
        )
        .where(columns.latency_s.is_not(None), *in_range(columns, line, since, None))
        .subquery()
    )
    # Nearest rank, ceil(parts x percent / 100), in integers: the same row on both databases.
    ranks = [(ranked.c.parts * percent + 99) // 100 for percent in _PERCENTS]
    rows = connection.execute(
        select(ranked.c.latency_s, ranked.c.parts, *(ranked.c.rank == rank for rank in ranks)).where(
            or_(*(ranked.c.rank == rank for rank in ranks))
        )
    ).all()
    found = {percent: row[0] for row in rows for percent, here in zip(_PERCENTS, row[2:], strict=True) if here}
    return Latency(parts=rows[0][1] if rows else 0, p50=found.get(50), p95=found.get(95), p99=found.get(99))


def scored_count(connection: Connection, line: str | None, since: datetime | None) -> int:
    """How many parts captured since ``since`` a detector has scored, whatever its verdict."""
    columns = inspections.c
    statement = select(func.count()).where(columns.score.is_not(None), *in_range(columns, line, since, None))
    return connection.execute(statement).scalar_one()


def verdict_counts(connection: Connection, line: str | None) -> dict[Verdict, int]:
    """Stored inspections by verdict; every verdict is named. Costs nothing, however many rows there are."""
    columns = verdict_totals.c
    statement = select(columns.verdict, func.sum(columns.inspections).label("rows")).group_by(columns.verdict)
    if line is not None:
        statement = statement.where(columns.line == line)
    counts = dict.fromkeys(Verdict, 0)
    for row in connection.execute(statement):
        counts[Verdict(row.verdict)] = int(row.rows)
    return counts


def learning_lines(connection: Connection) -> list[LearningLine]:
    """Lines and products with inspections but without a state."""
    columns = verdict_totals.c
    count = func.sum(columns.inspections).label("rows")
    statement = (
        select(columns.line, columns.product, count)
        .where(
            ~select(line_states.c.version)
            .where(line_states.c.line == columns.line, line_states.c.product == columns.product)
            .exists()
        )
        .group_by(columns.line, columns.product)
        .having(count > 0)
        .order_by(columns.line, columns.product)
    )
    return [
        LearningLine(line=row.line, product=row.product, inspections=int(row.rows))
        for row in connection.execute(statement)
    ]


def _count_of(verdict: Verdict) -> ColumnElement[int]:
    return func.sum(case((inspections.c.verdict == verdict.value, 1), else_=0))


def _bucket_number(connection: Connection, moment: ColumnElement[datetime], bucket_s: int) -> ColumnElement[int]:
    if connection.dialect.name == "postgresql":
        return cast(func.floor(func.extract("epoch", moment) / bucket_s), BigInteger)
    return cast(func.strftime("%s", moment), Integer) // bucket_s
