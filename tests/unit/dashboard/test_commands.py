"""Commands over REST: what reaches Kafka, idempotency, what is refused."""

from uuid import UUID, uuid4

import httpx
import pytest

from tests.unit.dashboard.made_parts import LINE, OTHER_LINE
from tests.unit.dashboard.recording_sender import RecordingSender
from wire import topics
from wire.command import CommandKind, LineCommand, RegionReference
from wire.description import Description, PromptLevel
from wire.identifiers import command_id
from wire.inspection import Inspection

AT_LINE = f"/api/v1/lines/{LINE}"


def last(sender: RecordingSender) -> LineCommand:
    topic, key, event = sender.sent[-1]
    assert (topic, key, event.type) == (topics.COMMANDS, LINE, topics.LINE_COMMAND)
    return LineCommand.from_json(event.data)


async def test_accept_sends_who_what_and_why(
    client: httpx.AsyncClient, parts: list[Inspection], sender: RecordingSender
) -> None:
    body = {"inspections": [str(parts[4].inspection_id)], "product": "tile-a", "reason": "water drop"}
    answer = await client.post(f"{AT_LINE}/accept", json=body)
    command = last(sender)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/commands/{command.command_id}"
    assert (command.kind, command.by, command.reason, command.product) == (
        CommandKind.ACCEPT,
        "local",
        "water drop",
        "tile-a",
    )
    assert command.inspections == (parts[4].inspection_id,)


@pytest.mark.parametrize(
    ("verb", "body", "expected"),
    [
        ("rebuild", {"product": "tile-a"}, {"kind": CommandKind.BUILD}),
        ("set-rate", {"false_alarm_rate": 0.02}, {"kind": CommandKind.SET_RATE, "false_alarm_rate": 0.02}),
        (
            "describe",
            {
                "class_name": "nut",
                "defect_words": ["with a burr"],
                "descriptions": [{"name": "burr", "level": "template", "text": "A thin burr."}],
                "description_level": "template",
                "learned_words": "ab" * 32,
                "matching": "aligned",
            },
            {
                "kind": CommandKind.DESCRIBE,
                "class_name": "nut",
                "defect_words": ("with a burr",),
                "normality": None,
                "descriptions": (Description(name="burr", level=PromptLevel.TEMPLATE, text="A thin burr."),),
                "description_level": PromptLevel.TEMPLATE,
                "learned_words": "ab" * 32,
                "matching": "aligned",
            },
        ),
        (
            "set-threshold",
            {"modality": "depth", "threshold": 3.5},
            {"kind": CommandKind.SET_THRESHOLD, "modality": "depth", "threshold": 3.5},
        ),
    ],
)
async def test_each_verb_sends_its_command(
    client: httpx.AsyncClient, sender: RecordingSender, verb: str, body: dict[str, object], expected: dict[str, object]
) -> None:
    assert (await client.post(f"{AT_LINE}/{verb}", json=body)).status_code == 202
    assert {name: getattr(last(sender), name) for name in expected} == expected


async def test_regions_are_named(client: httpx.AsyncClient, parts: list[Inspection], sender: RecordingSender) -> None:
    flagged = next(part for part in parts if part.regions)
    region = {"inspection": str(flagged.inspection_id), "region": flagged.regions[0].index}
    body = {"name": "coolant spot", "regions": [region], "product": flagged.product}
    assert (await client.post(f"{AT_LINE}/name", json=body)).status_code == 202
    command = last(sender)
    assert (command.kind, command.name, command.by) == (CommandKind.NAME, "coolant spot", "local")
    assert command.regions == (RegionReference(inspection=flagged.inspection_id, region=flagged.regions[0].index),)


async def test_a_region_that_is_not_there_gets_no_name(
    client: httpx.AsyncClient, parts: list[Inspection], sender: RecordingSender
) -> None:
    region = {"inspection": str(parts[0].inspection_id), "region": 99}
    answer = await client.post(f"{AT_LINE}/name", json={"name": "spot", "regions": [region]})
    assert answer.status_code == 422
    assert "has no region 99" in answer.text
    strange = {"inspection": str(uuid4()), "region": 0}
    assert (await client.post(f"{AT_LINE}/name", json={"name": "spot", "regions": [strange]})).status_code == 422
    bad_name = {"name": " <b>", "regions": [region]}
    assert (await client.post(f"{AT_LINE}/name", json=bad_name)).status_code == 422
    assert not sender.sent


async def test_a_sent_command_can_be_asked_for(client: httpx.AsyncClient) -> None:
    sent = (await client.post(f"{AT_LINE}/rebuild", json={"reason": "new light"})).json()
    found = (await client.get(f"/api/v1/commands/{sent['command_id']}")).json()
    assert found == sent
    assert (found["status"], found["kind"], found["reason"]) == ("sent", "build", "new light")
    listed = (await client.get(f"{AT_LINE}/commands")).json()["items"]
    assert [item["command_id"] for item in listed] == [sent["command_id"]]


async def test_the_same_key_is_sent_once(client: httpx.AsyncClient, sender: RecordingSender) -> None:
    answers = [
        await client.post(f"{AT_LINE}/rebuild", json={}, headers={"Idempotency-Key": "shift-7"}) for _ in range(2)
    ]
    assert {answer.json()["command_id"] for answer in answers} == {str(command_id(LINE, "shift-7"))}
    assert len(sender.sent) == 1


async def test_the_same_key_for_another_command_is_refused(client: httpx.AsyncClient, sender: RecordingSender) -> None:
    headers = {"Idempotency-Key": "shift-7"}
    await client.post(f"{AT_LINE}/set-rate", json={"false_alarm_rate": 0.02}, headers=headers)
    answer = await client.post(f"{AT_LINE}/set-rate", json={"false_alarm_rate": 0.03}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["value"]) == (409, "shift-7")
    assert answer.json()["type"] == "urn:lineside:problem:idempotency-conflict"
    assert len(sender.sent) == 1


async def test_kafka_away_says_when_to_try_again(client: httpx.AsyncClient, sender: RecordingSender) -> None:
    sender.away = True
    answer = await client.post(f"{AT_LINE}/rebuild", json={}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "4")
    assert answer.json()["type"] == "urn:lineside:problem:broker-unavailable"
    sender.away = False
    assert (await client.post(f"{AT_LINE}/rebuild", json={}, headers={"Idempotency-Key": "k"})).status_code == 202


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("set-rate", {"false_alarm_rate": 1.0}, "false_alarm_rate"),
        ("set-rate", {}, "false_alarm_rate"),
        ("describe", {"normality": "x" * 401}, "normality"),
        ("describe", {"matching": "somewhere"}, "matching"),
        ("describe", {"description_level": "v9"}, "description_level"),
        ("describe", {"learned_words": "words.safetensors"}, "learned_words"),
        ("describe", {"descriptions": [{"name": "burr", "level": "template", "text": ""}]}, "descriptions.0.text"),
        ("set-threshold", {"modality": "rgb", "threshold": -1}, "threshold"),
        ("set-threshold", {"modality": "", "threshold": 1}, "modality"),
        ("accept", {"inspections": []}, "inspections"),
        ("accept", {"inspections": ["seven"]}, "inspections.0"),
        ("rollback", {"version": 0}, "version"),
        ("rollback", {"version": 99}, "version"),
        ("rebuild", {"products": "x"}, "products"),
    ],
)
async def test_a_wrong_body_is_named(
    client: httpx.AsyncClient, sender: RecordingSender, verb: str, body: dict[str, object], field: str
) -> None:
    answer = await client.post(f"{AT_LINE}/{verb}", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert sender.sent == []


async def test_a_part_of_another_line_is_refused(
    client: httpx.AsyncClient, parts: list[Inspection], sender: RecordingSender
) -> None:
    stranger = parts[-1]
    assert stranger.line == OTHER_LINE
    answer = await client.post(f"{AT_LINE}/accept", json={"inspections": [str(stranger.inspection_id)]})
    assert answer.json()["detail"] == f"no inspection {stranger.inspection_id} on {LINE}"
    assert sender.sent == []


async def test_an_unknown_line_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/lines/no.such.line/rebuild", json={})
    assert (answer.status_code, answer.json()["detail"]) == (404, "no line 'no.such.line'")


async def test_an_unknown_command_is_not_found(client: httpx.AsyncClient) -> None:
    unknown: UUID = uuid4()
    answer = await client.get(f"/api/v1/commands/{unknown}")
    assert (answer.status_code, answer.json()["detail"]) == (404, f"no command {unknown}")
