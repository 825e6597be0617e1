"""The live feed and its event stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI

from dashboard.api.live import live_router
from dashboard.app import build_services
from dashboard.live_feed import FLAGGED, LATEST, LiveFeed
from dashboard.services import Services
from dashboard.settings import DashboardSettings
from storage.database import Database
from tests.components.waiting import wait_until_async
from tests.unit.dashboard.conftest import store
from tests.unit.dashboard.made_parts import LINE, OTHER_LINE, made_part
from tests.unit.dashboard.recording_sender import RecordingSender
from wire.finding import Verdict
from wire.inspection import Inspection
from wire.payload_store import PayloadStore

DEADLINE_S = 10.0


@pytest.fixture
async def services(
    database: Database,
    payloads: PayloadStore,
    sender: RecordingSender,
    settings: DashboardSettings,
    parts: list[Inspection],
) -> AsyncIterator[Services]:
    made = build_services(settings.model_copy(update={"poll_s": 0.1}), database, payloads, sender)
    made.feed.start()
    await wait_until_async(lambda: made.feed.look().loaded, DEADLINE_S, "the feed to load")
    yield made
    made.feed.stop()
    await made.feed.ended()


def shown(feed: LiveFeed, line: str = LINE) -> list[str]:
    return [stored.inspection.part_id for stored in feed.look().latest.get(line, ())]


async def test_the_view_begins_with_what_is_there(services: Services) -> None:
    view = services.feed.look()
    assert [board.name for board in view.boards] == ["Tiles 1", "Tiles 2"]
    assert shown(services.feed) == [f"P-{number:06d}" for number in range(9, -1, -1)]
    assert [it.inspection.part_id for it in view.flagged[LINE]] == ["P-000007", "P-000004"]


async def test_a_stored_part_appears_first(services: Services, database: Database, payloads: PayloadStore) -> None:
    part = made_part(payloads, 50, verdict=Verdict.DEFECT, captured_at=datetime.now(UTC))
    store(database, [part])
    await wait_until_async(lambda: shown(services.feed)[0] == "P-000050", DEADLINE_S, "the new part")
    assert services.feed.look().flagged[LINE][0].inspection.part_id == "P-000050"


async def test_the_view_is_bounded_however_many_parts_come(
    services: Services, database: Database, payloads: PayloadStore
) -> None:
    made = [
        made_part(payloads, number, verdict=Verdict.DEFECT, captured_at=datetime.now(UTC)) for number in range(50, 80)
    ]
    store(database, made)
    await wait_until_async(lambda: shown(services.feed)[0] == "P-000079", DEADLINE_S, "the last part")
    view = services.feed.look()
    assert (len(view.latest[LINE]), len(view.flagged[LINE])) == (LATEST, FLAGGED)


async def test_a_reader_waits_for_news_and_gets_all_of_it(
    services: Services, database: Database, payloads: PayloadStore
) -> None:
    place = services.feed.last_seen
    waiting = asyncio.create_task(services.feed.after(place, DEADLINE_S))
    store(database, [made_part(payloads, number, captured_at=datetime.now(UTC)) for number in (50, 51)])
    services.feed.look()
    assert [stored.inspection.part_id for stored in await waiting] == ["P-000050", "P-000051"]


async def test_a_reader_that_was_away_continues_from_sql(services: Services) -> None:
    everything = await services.feed.after(0, DEADLINE_S)
    assert len(everything) == 11
    assert (await services.feed.after(everything[4].stored_seq, DEADLINE_S))[0] == everything[5]


async def test_a_stop_ends_waiting_readers(services: Services) -> None:
    waiting = asyncio.create_task(services.feed.after(services.feed.last_seen, 60.0))
    await asyncio.sleep(0)
    services.feed.stop()
    assert await waiting == ()


async def test_a_database_that_goes_away_and_comes_back_is_said(
    services: Services, tmp_path: Path, database: Database
) -> None:
    rename(tmp_path / "sql", tmp_path / "gone")
    database.engine.dispose()
    await wait_until_async(lambda: services.feed.look().away_since is not None, DEADLINE_S, "the feed to notice")
    assert shown(services.feed)[0] == "P-000009"
    rename(tmp_path / "gone", tmp_path / "sql")
    await wait_until_async(lambda: services.feed.look().away_since is None, DEADLINE_S, "the feed to recover")


def rename(folder: Path, target: Path) -> None:
    folder.rename(target)


async def test_the_event_stream_names_each_part_and_its_place(services: Services) -> None:
    app = FastAPI()
    app.include_router(live_router(services))
    received: list[str] = []
    done = asyncio.Event()

    async def send(message: dict[str, object]) -> None:
        body = message.get("body", b"")
        received.append(body.decode() if isinstance(body, bytes) else "")
        if "P-000100" in "".join(received):
            done.set()

    async def receive() -> dict[str, object]:
        await done.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/live",
        "root_path": "",
        "query_string": f"line={OTHER_LINE}".encode(),
        "headers": [(b"last-event-id", b"0")],
    }
    await asyncio.wait_for(app(scope, receive, send), DEADLINE_S)  # type: ignore[arg-type]
    events = [piece for piece in "".join(received).split("\n\n") if "event: inspection" in piece]
    assert len(events) == 1
    fields = dict(line.split(": ", 1) for line in events[0].splitlines())
    assert fields["id"] == "11"
    assert json.loads(fields["data"])["part_id"] == "P-000100"
