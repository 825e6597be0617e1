"""Time buckets, Pareto, latency over REST."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from dashboard.time_buckets import bucket_for, floor_to, starts
from storage.database import Database
from tests.unit.dashboard.conftest import store
from tests.unit.dashboard.made_parts import LINE, OTHER_LINE, made_part
from wire.finding import Verdict
from wire.inspection import Inspection
from wire.payload_store import PayloadStore


async def test_timeline_counts_every_part_once(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    span = {"since": (parts[0].captured_at - timedelta(minutes=5)).isoformat(), "line": LINE, "bucket_s": 60}
    timeline = (await client.get("/api/v1/statistics/timeline", params=span)).json()
    buckets = timeline["buckets"]
    assert sum(bucket["total"] for bucket in buckets) == 10
    assert sum(bucket["defect"] for bucket in buckets) == 2
    assert sum(bucket["unknown"] for bucket in buckets) == 1


async def test_timeline_shows_empty_buckets_too(client: httpx.AsyncClient) -> None:
    span = {"since": "2026-01-31T06:00:30Z", "until": "2026-01-31T06:03:00Z", "bucket_s": 60}
    buckets = (await client.get("/api/v1/statistics/timeline", params=span)).json()["buckets"]
    assert [bucket["start"] for bucket in buckets] == [
        "2026-01-31T06:00:00Z", "2026-01-31T06:01:00Z", "2026-01-31T06:02:00Z",
    ]  # fmt: skip
    assert {(bucket["total"], bucket["mean_score"]) for bucket in buckets} == {(0, None)}


async def test_pareto_counts_parts_by_type_and_line(
    client: httpx.AsyncClient, database: Database, payloads: PayloadStore
) -> None:
    more = [made_part(payloads, number, line=OTHER_LINE, verdict=Verdict.DEFECT) for number in (101, 102)]
    store(database, more)
    types = (await client.get("/api/v1/statistics/pareto")).json()["types"]
    assert types == [
        {"type": "scratch", "parts": 3, "regions": 3, "lines": {OTHER_LINE: 2, LINE: 1}, "cumulative_share": 0.75},
        {"type": "dent", "parts": 1, "regions": 1, "lines": {LINE: 1}, "cumulative_share": 1.0},
    ]


async def test_pareto_of_an_empty_time_is_empty(client: httpx.AsyncClient) -> None:
    span = {"since": "2001-01-31T06:00:00Z", "until": "2001-01-31T07:00:00Z"}
    assert (await client.get("/api/v1/statistics/pareto", params=span)).json()["types"] == []


async def test_latency_is_capture_to_row(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    span = {"line": LINE, "since": (parts[0].captured_at - timedelta(seconds=1)).isoformat()}
    latency = (await client.get("/api/v1/statistics/latency", params=span)).json()
    assert latency["parts"] == 10
    assert 0 < latency["p50_s"] <= latency["p95_s"] <= latency["p99_s"]


async def test_too_many_buckets_are_refused(client: httpx.AsyncClient) -> None:
    span = {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "bucket_s": 1}
    answer = await client.get("/api/v1/statistics/timeline", params=span)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "the span has more than 10000 buckets of 1 s"


@pytest.mark.parametrize(
    ("hours", "bucket_s"), [(1, 60), (8, 600), (24, 1800), (24 * 7, 14400), (24 * 30, 43200), (24 * 3650, 604800)]
)
def test_a_span_gets_bars_that_a_person_can_name(hours: int, bucket_s: int) -> None:
    until = datetime(2026, 1, 31, tzinfo=UTC)
    assert bucket_for(until - timedelta(hours=hours), until) == bucket_s


def test_buckets_begin_at_multiples_of_their_length() -> None:
    moment = datetime(2026, 1, 31, 6, 14, 59, tzinfo=UTC)
    assert floor_to(moment, 900) == datetime(2026, 1, 31, 6, 0, tzinfo=UTC)
    assert starts(moment, moment, 900) == []
