"""Errors as RFC 9457 problems: unknown paths, wrong methods, a database that is away."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from dashboard.app import build_app
from dashboard.settings import DashboardSettings
from storage.database import Database
from tests.unit.dashboard.made_parts import LINE
from tests.unit.dashboard.recording_sender import RecordingSender
from wire.inspection import Inspection
from wire.payload_store import PayloadStore


@pytest.fixture
def stranded(client: httpx.AsyncClient, database: Database, tmp_path: Path) -> httpx.AsyncClient:
    """A client on an app whose database is gone."""
    (tmp_path / "sql").rename(tmp_path / "gone")
    database.engine.dispose()
    return client


@pytest.mark.parametrize(
    "path", ["/api/v1/inspections", "/api/v1/lines", f"/api/v1/lines/{LINE}/states", "/api/v1/ledger", "/api/v1/health"]
)
async def test_a_database_that_is_away_is_a_503_with_retry_after(stranded: httpx.AsyncClient, path: str) -> None:
    answer = await stranded.get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:lineside:problem:database-unavailable"


async def test_an_unknown_path_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/parts")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == "there is no /api/v1/parts; see /api/v1/openapi.json"


async def test_a_wrong_method_names_the_right_ones(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/api/v1/inspections")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["detail"] == "/api/v1/inspections answers GET"


async def test_a_body_that_is_no_json_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        f"/api/v1/lines/{LINE}/rebuild", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["title"]) == (422, "A value is not valid")


async def test_the_description_of_the_api_is_complete(client: httpx.AsyncClient) -> None:
    description = (await client.get("/api/v1/openapi.json")).json()
    operations = [(path, operation) for path, item in description["paths"].items() for operation in item.values()]
    assert {path for path, _ in operations} >= {
        "/api/v1/inspections", "/api/v1/inspections/{inspection_id}", "/api/v1/lines/{line}/accept", "/api/v1/live",
        "/api/v1/ledger", "/api/v1/statistics/timeline",
    }  # fmt: skip
    for path, operation in operations:
        assert operation.get("summary"), path
        assert operation.get("description"), path
    secured = description["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in secured.values()} == {"apiKey", "http"}


async def test_requests_are_counted_by_route_and_never_by_path(
    database: Database,
    payloads: PayloadStore,
    sender: RecordingSender,
    settings: DashboardSettings,
    parts: list[Inspection],
) -> None:
    app: FastAPI = build_app(settings, database, payloads, sender)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        for part in parts[:3]:
            await client.get(f"/api/v1/inspections/{part.inspection_id}")
        await client.get("/api/v1/nowhere/7")
    registry = app.state.services.metrics.registry

    def count(route: str, status: str) -> float | None:
        return registry.get_sample_value(
            "dashboard_requests_total", {"route": route, "method": "GET", "status": status}
        )

    assert count("/api/v1/inspections/{inspection_id}", "200") == 3
    assert count("/api/{path:path}", "404") == 1
    seconds = {"route": "/api/v1/inspections/{inspection_id}", "method": "GET"}
    assert registry.get_sample_value("dashboard_request_seconds_count", seconds) == 3
