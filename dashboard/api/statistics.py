"""Counts over time and over defect types."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from dashboard.api.access import reading_router
from dashboard.api.documents import Document
from dashboard.api.filters import check_span
from dashboard.errors import InvalidValue
from dashboard.services import Services
from dashboard.time_buckets import bucket_for, floor_to, starts
from storage.history import History
from storage.statistics import ParetoEntry

# A year of hours is 8760 buckets; more than 10 000 is a mistake in the caller's arithmetic.
_BUCKETS_MAX = 10_000
_DAY = timedelta(days=1)


class TimeBucket(Document):
    """Parts captured in [start, end)."""

    start: datetime
    end: datetime
    total: int = Field(examples=[412])
    defect: int = Field(examples=[7])
    unknown: int = Field(examples=[0])
    mean_score: float | None = Field(description="Mean raw score of the judged parts", examples=[1.31])


class Timeline(Document):
    """Buckets in order of time; empty ones are there too."""

    line: str | None
    since: datetime
    until: datetime
    bucket_s: int = Field(examples=[900])
    buckets: list[TimeBucket]


class TypeCount(Document):
    """One defect type. A part belongs to one line, so the lines' parts add up."""

    type: str = Field(examples=["scratch"])
    parts: int = Field(description="Parts with at least one region of this type", examples=[31])
    regions: int = Field(description="Regions of this type on all of them", examples=[48])
    lines: dict[str, int] = Field(
        description="The parts by line, most first", examples=[{"demo.hall1.line1": 22, "demo.hall1.line2": 9}]
    )
    cumulative_share: float = Field(description="Share of this and all more frequent types", examples=[0.62])


class Pareto(Document):
    """Defect types, most frequent first."""

    line: str | None
    since: datetime
    until: datetime
    types: list[TypeCount]


class Latency(Document):
    """Capture to committed row, seconds; null without parts."""

    line: str | None
    since: datetime
    parts: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


def timeline_of(
    history: History, line: str | None, since: datetime, until: datetime, bucket_s: int
) -> list[TimeBucket]:
    """Every bucket of the span, summed over lines where none is chosen."""
    rows: dict[datetime, list[tuple[int, int, int, float | None]]] = {}
    for row in history.statistics(line, since, until, bucket_s):
        rows.setdefault(floor_to(row.start, bucket_s), []).append((row.total, row.defect, row.unknown, row.mean_score))
    return [_sum(start, bucket_s, rows.get(start, [])) for start in starts(since, until, bucket_s)]


def _sum(start: datetime, bucket_s: int, rows: list[tuple[int, int, int, float | None]]) -> TimeBucket:
    judged = [(total - unknown, mean) for total, _, unknown, mean in rows if mean is not None]
    weight = sum(count for count, _ in judged)
    return TimeBucket(
        start=start,
        end=start + timedelta(seconds=bucket_s),
        total=sum(row[0] for row in rows),
        defect=sum(row[1] for row in rows),
        unknown=sum(row[2] for row in rows),
        mean_score=sum(count * mean for count, mean in judged) / weight if weight else None,
    )


def pareto_of(history: History, line: str | None, since: datetime, until: datetime) -> list[TypeCount]:
    """Types by number of parts, most frequent first."""
    by_type: dict[str, list[ParetoEntry]] = {}
    for entry in history.pareto(line, since, until):
        by_type.setdefault(entry.type, []).append(entry)
    parts = {name: sum(entry.parts for entry in entries) for name, entries in by_type.items()}
    total, running = sum(parts.values()), 0
    types = []
    for name in sorted(by_type, key=lambda name: (-parts[name], name)):
        running += parts[name]
        types.append(
            TypeCount(
                type=name,
                parts=parts[name],
                regions=sum(entry.regions for entry in by_type[name]),
                lines={entry.line: entry.parts for entry in by_type[name]},
                cumulative_share=running / total,
            )
        )
    return types


Line = Annotated[str | None, Query(max_length=120, description="This line alone")]
Since = Annotated[AwareDatetime | None, Query(description="Captured at or after; 24 hours before `until` if left out")]
Until = Annotated[AwareDatetime | None, Query(description="Captured before; now if left out")]


def _span(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    end = until or datetime.now(UTC)
    begin = since or end - _DAY
    check_span(begin, end)
    return begin, end


def statistics_router(services: Services) -> APIRouter:
    """Routes below /statistics."""
    router = reading_router(services.gate, "statistics")

    @router.get("/statistics/timeline", summary="Parts, flagged and unknown per time bucket")
    def timeline(
        line: Line = None,
        since: Since = None,
        until: Until = None,
        bucket_s: Annotated[
            int | None, Query(ge=1, le=31 * 86400, description="Bucket in seconds; chosen to fit if left out")
        ] = None,
    ) -> Timeline:
        """Buckets start at multiples of their length since 1970, UTC."""
        begin, end = _span(since, until)
        width_s = bucket_s or bucket_for(begin, end)
        if (end - begin).total_seconds() / width_s > _BUCKETS_MAX:
            raise InvalidValue(
                f"the span has more than {_BUCKETS_MAX} buckets of {width_s} s", field="bucket_s", value=width_s
            )
        return Timeline(
            line=line,
            since=begin,
            until=end,
            bucket_s=width_s,
            buckets=timeline_of(services.history, line, begin, end, width_s),
        )

    @router.get("/statistics/pareto", summary="Defect types, most frequent first")
    def pareto(line: Line = None, since: Since = None, until: Until = None) -> Pareto:
        """Counts parts, not regions: ten scratches on one part are one scratched part."""
        begin, end = _span(since, until)
        return Pareto(line=line, since=begin, until=end, types=pareto_of(services.history, line, begin, end))

    @router.get("/statistics/latency", summary="From capture to committed row")
    def latency(line: Line = None, since: Since = None) -> Latency:
        """Percentiles over the parts captured since."""
        begin, _ = _span(since, None)
        found = services.history.latency(line, begin)
        return Latency(line=line, since=begin, parts=found.parts, p50_s=found.p50, p95_s=found.p95, p99_s=found.p99)

    return router
