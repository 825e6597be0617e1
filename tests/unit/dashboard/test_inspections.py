"""History and single inspections over REST."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from storage.database import Database
from tests.unit.dashboard.conftest import store
from tests.unit.dashboard.made_parts import LINE, OTHER_LINE, made_part
from wire.inspection import Inspection
from wire.payload_store import PayloadStore

INSPECTIONS = "/api/v1/inspections"
NOBODY = UUID(int=7)


def part_ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["part_id"] for item in answer.json()["items"]]


async def test_history_is_newest_first(client: httpx.AsyncClient) -> None:
    newest = part_ids(await client.get(INSPECTIONS, params={"line": LINE, "limit": 3}))
    assert newest == ["P-000009", "P-000008", "P-000007"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"verdict": "defect"}, ["P-000007", "P-000004"]),
        ({"verdict": "unknown"}, ["P-000008"]),
        ({"defect_type": "dent"}, ["P-000007"]),
        ({"part_id": "P-000003"}, ["P-000003"]),
        ({"min_score": "2"}, ["P-000007", "P-000004"]),
        ({"mode": "zero_shot"}, ["P-000100"]),
        ({"line": OTHER_LINE}, ["P-000100"]),
        ({"product": "tile-a", "verdict": "ok", "part_id": "P-000100"}, []),
    ],
)
async def test_each_filter_chooses_its_parts(
    client: httpx.AsyncClient, filters: dict[str, str], expected: list[str]
) -> None:
    assert part_ids(await client.get(INSPECTIONS, params=filters)) == expected


async def test_since_is_inclusive_and_until_exclusive(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    span = {"since": parts[2].captured_at.isoformat(), "until": parts[5].captured_at.isoformat(), "line": LINE}
    assert part_ids(await client.get(INSPECTIONS, params=span)) == ["P-000004", "P-000003", "P-000002"]


async def test_pages_join_without_gap_or_repetition_while_parts_arrive(
    client: httpx.AsyncClient, database: Database, payloads: PayloadStore, parts: list[Inspection]
) -> None:
    first = await client.get(INSPECTIONS, params={"line": LINE, "limit": 4})
    store(database, [made_part(payloads, 50, captured_at=parts[9].captured_at + timedelta(seconds=5))])
    second = await client.get(INSPECTIONS, params={"line": LINE, "limit": 4, "cursor": first.json()["next_cursor"]})
    third = await client.get(INSPECTIONS, params={"line": LINE, "limit": 4, "cursor": second.json()["next_cursor"]})
    seen = part_ids(first) + part_ids(second) + part_ids(third)
    assert seen == [f"P-{number:06d}" for number in range(9, -1, -1)]
    assert third.json()["next_cursor"] is None


async def test_one_part_carries_result_report_evidence_and_provenance(
    client: httpx.AsyncClient, parts: list[Inspection]
) -> None:
    document = (await client.get(f"{INSPECTIONS}/{parts[4].inspection_id}")).json()
    assert document["result"]["PartId"] == "P-000004"
    assert document["result"]["Provenance"]["StateVersion"] == 1
    assert document["result"]["Regions"][0]["XyxyPx"] == [120, 70, 211, 101]
    assert document["report"]["Summary"] == "One bright linear scratch of medium saliency near the center."
    assert {(link["modality"], link["kind"]) for link in document["evidence"]} == {
        ("rgb", "image"), ("rgb", "map"), ("rgb", "mask"), ("rgb", "overlay"), ("depth", "image"), ("sensor", "image"),
    }  # fmt: skip


async def test_a_good_part_has_no_report(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    assert (await client.get(f"{INSPECTIONS}/{parts[1].inspection_id}")).json()["report"] is None


async def test_summary_says_what_a_list_needs(client: httpx.AsyncClient) -> None:
    item = (await client.get(INSPECTIONS, params={"part_id": "P-000007"})).json()["items"][0]
    assert (item["verdict"], item["is_partial"], item["defect_types"], item["state_version"]) == (
        "defect", True, ["dent"], 1,
    )  # fmt: skip
    assert item["thumbnail"].endswith("&as=thumbnail")
    assert "/evidence/rgb/overlay?" in item["thumbnail"]


async def test_an_unknown_inspection_is_a_problem_that_names_it(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{INSPECTIONS}/{NOBODY}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:lineside:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": f"no inspection {NOBODY}",
        "instance": f"{INSPECTIONS}/{NOBODY}",
        "errors": [{"field": "inspection_id", "value": str(NOBODY), "message": f"no inspection {NOBODY}"}],
    }


@pytest.mark.parametrize(
    ("params", "field", "value"),
    [
        ({"limit": "0"}, "limit", "0"),
        ({"limit": "501"}, "limit", "501"),
        ({"limit": "many"}, "limit", "many"),
        ({"verdict": "bad"}, "verdict", "bad"),
        ({"since": "yesterday"}, "since", "yesterday"),
        ({"since": "2026-01-31T06:00:00"}, "since", "2026-01-31T06:00:00"),
        ({"min_score": "nan"}, "min_score", "nan"),
        ({"lines": LINE}, "lines", LINE),
        ({"cursor": "!!"}, "cursor", "!!"),
    ],
)
async def test_a_wrong_parameter_is_named_with_its_value(
    client: httpx.AsyncClient, params: dict[str, str], field: str, value: str
) -> None:
    answer = await client.get(INSPECTIONS, params=params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(error["field"], error["value"]) for error in answer.json()["errors"]] == [(field, value)]


async def test_every_wrong_parameter_is_named_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.get(INSPECTIONS, params={"limit": "0", "mode": "guess"})
    assert [error["field"] for error in answer.json()["errors"]] == ["mode", "limit"]


async def test_an_empty_span_is_refused(client: httpx.AsyncClient) -> None:
    span = {"since": "2026-01-31T06:00:00Z", "until": "2026-01-31T06:00:00Z"}
    answer = await client.get(INSPECTIONS, params=span)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "until must be after since (2026-01-31T06:00:00+00:00)"


async def test_a_long_value_is_cut_in_the_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get(INSPECTIONS, params={"line": "x" * 500})
    assert answer.json()["errors"][0]["value"] == "x" * 200 + "…"
