"""The review queue over REST: who waits, who has left, what the pages show meanwhile."""

from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from dashboard.pages.review_list import ReviewList
from storage.commands import CommandStatus, CommandStore
from storage.database import Database
from storage.references import ReferenceStore
from storage.stored_inspection import StoredInspection
from tests.unit.dashboard.conftest import store
from tests.unit.dashboard.made_parts import LINE, OTHER_LINE, made_part
from tests.unit.dashboard.recording_sender import RecordingSender
from wire.command import LineCommand
from wire.finding import Verdict
from wire.inspection import Inspection
from wire.payload_store import PayloadStore

REVIEW = "/api/v1/review"


async def waiting(client: httpx.AsyncClient, **params: object) -> list[str]:
    answer = await client.get(REVIEW, params=params)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return [item["part_id"] for item in answer.json()["items"]]


async def send(client: httpx.AsyncClient, verb: str, part: Inspection) -> None:
    body = {"inspections": [str(part.inspection_id)], "product": part.product}
    assert (await client.post(f"/api/v1/lines/{part.line}/{verb}", json=body)).status_code == 202


def say(database: Database, part: Inspection, number: int) -> None:
    """What the builder writes when it has read an answer."""
    ReferenceStore(database).reject(part.line, part.product, [part.inspection_id], "eva", "", UUID(int=number))


async def test_flagged_parts_wait_newest_first(client: httpx.AsyncClient) -> None:
    assert await waiting(client) == ["P-000007", "P-000004"]
    assert await waiting(client, line=OTHER_LINE) == []
    assert (await client.get(REVIEW)).json()["waiting"] == 2


async def test_an_answered_part_waits_no_more(
    client: httpx.AsyncClient, database: Database, parts: list[Inspection]
) -> None:
    say(database, parts[7], 1)
    assert await waiting(client) == ["P-000004"]
    assert (await client.get(REVIEW)).json()["waiting"] == 1


@pytest.mark.parametrize("verb", ["accept", "reject"])
async def test_a_part_leaves_as_soon_as_its_answer_is_sent(
    client: httpx.AsyncClient, parts: list[Inspection], verb: str
) -> None:
    await send(client, verb, parts[7])
    assert await waiting(client) == ["P-000004"]


async def test_a_part_comes_back_when_its_answer_could_not_be_used(
    client: httpx.AsyncClient, database: Database, parts: list[Inspection], sender: RecordingSender
) -> None:
    await send(client, "accept", parts[7])
    command = LineCommand.from_json(sender.sent[-1][2].data)
    commands = CommandStore(database)
    commands.record(command)
    assert await waiting(client) == ["P-000004"]
    commands.finish(command.command_id, CommandStatus.FAILED, "no version was built: the images are gone")
    assert await waiting(client) == ["P-000007", "P-000004"]


async def test_pages_of_the_queue_join_while_parts_arrive_and_leave(
    client: httpx.AsyncClient, database: Database, payloads: PayloadStore, parts: list[Inspection]
) -> None:
    more = [made_part(payloads, number, verdict=Verdict.DEFECT) for number in (20, 21, 22)]
    store(database, more)
    first = (await client.get(REVIEW, params={"limit": 2})).json()
    assert [item["part_id"] for item in first["items"]] == ["P-000022", "P-000021"]
    store(database, [made_part(payloads, 60, verdict=Verdict.DEFECT)])
    say(database, more[0], 2)
    assert await waiting(client, limit=2, cursor=first["next_cursor"]) == ["P-000007", "P-000004"]


async def test_a_foreign_cursor_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.get(REVIEW, params={"cursor": "!!"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


async def test_the_history_can_be_asked_for_answered_parts(
    client: httpx.AsyncClient, database: Database, parts: list[Inspection]
) -> None:
    say(database, parts[2], 3)
    answered = await client.get("/api/v1/inspections", params={"answered": "true"})
    assert [item["part_id"] for item in answered.json()["items"]] == ["P-000002"]
    others = await client.get("/api/v1/inspections", params={"answered": "false", "line": LINE})
    assert len(others.json()["items"]) == 9


def listed(parts: list[Inspection], *numbers: int) -> list[StoredInspection]:
    """Parts as the queue gives them, in the order of ``numbers``."""
    now = datetime.now(UTC)
    return [
        StoredInspection(inspection=parts[number], stored_seq=number, stored_at=now, report=None, feedback=())
        for number in numbers
    ]


def chosen(queue: ReviewList) -> str | None:
    return queue.chosen.inspection.part_id if queue.chosen else None


def test_the_newest_part_is_looked_at_first_and_stays_while_others_arrive(parts: list[Inspection]) -> None:
    queue = ReviewList()
    queue.show(listed(parts, 5, 3))
    queue.show(listed(parts, 9, 5, 3))
    assert chosen(queue) == "P-000005"


def test_leaving_a_part_leads_to_the_next_older_one_and_at_the_end_back(parts: list[Inspection]) -> None:
    queue = ReviewList()
    queue.show(listed(parts, 9, 5, 3))
    queue.step(1)
    queue.leave()
    assert chosen(queue) == "P-000003"
    queue.leave()
    assert chosen(queue) == "P-000009"
    queue.leave()
    assert (chosen(queue), queue.items) == (None, [])


def test_steps_stop_at_both_ends(parts: list[Inspection]) -> None:
    queue = ReviewList()
    queue.show(listed(parts, 9, 5, 3))
    queue.step(-1)
    assert chosen(queue) == "P-000009"
    queue.step(7)
    assert chosen(queue) == "P-000003"


def test_a_part_that_somebody_else_answered_stays_until_it_is_left(parts: list[Inspection]) -> None:
    queue = ReviewList()
    queue.show(listed(parts, 9, 5, 3))
    queue.step(1)
    queue.show(listed(parts, 9, 3))
    assert chosen(queue) == "P-000005"
    queue.step(1)
    assert chosen(queue) == "P-000003"
    queue.step(-1)
    queue.show(listed(parts, 3))
    assert chosen(queue) == "P-000009"
    queue.step(-1)
    assert chosen(queue) == "P-000003"


def test_a_part_is_chosen_by_its_id_while_it_waits(parts: list[Inspection]) -> None:
    queue = ReviewList()
    queue.show(listed(parts, 9, 5, 3))
    queue.choose(parts[3].inspection_id)
    assert chosen(queue) == "P-000003"
    queue.choose(parts[1].inspection_id)
    assert chosen(queue) == "P-000003"
