"""Lines, their states and references, and the ledger over REST."""

from datetime import UTC, datetime

import httpx
import numpy as np
import pytest

from storage.database import Database
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.references import ReferenceStore
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from tests.unit.dashboard.made_parts import LINE, OTHER_LINE, SESSION
from tests.unit.dashboard.recording_sender import RecordingSender
from wire.command import CommandKind, LineCommand
from wire.description import Description, PromptLevel
from wire.inspection import Inspection
from wire.ledger import Heartbeat, HeartbeatStage, SourceLedger
from wire.line_state import Calibration, LineSpec, LineState, StateActivated, StateMetadata
from wire.payload_store import PayloadStore
from wire.sequence_set import SequenceSet


@pytest.fixture
def two_versions(database: Database, payloads: PayloadStore, parts: list[Inspection]) -> LineStateStore:
    """Versions 1 and 2 of tile-a; 2 is active."""
    states = LineStateStore(database, payloads)
    for version in (1, 2):
        metadata = StateMetadata(
            line=LINE,
            product="tile-a",
            version=0,
            recipe="embedded",
            model_digest="ab" * 32,
            spec=LineSpec(line=LINE, false_alarm_rate=0.02),
            calibrations={"rgb": Calibration(references=2, scores=(0.9, 1.1), location=1.0, scale=0.2)},
            references=(parts[0].inspection_id, parts[1].inspection_id),
            digest="",
            created_at=datetime(2026, 1, 31, 6, version, tzinfo=UTC),
        )
        state = LineState(metadata=metadata, tensors={"rgb.bank": np.full((2, 2), version, np.float32)})
        added = states.add(state, parent=version - 1 or None, reason="learned", by="anna")
        activated = StateActivated(
            line=LINE,
            product="tile-a",
            version=added.version,
            digest=added.digest,
            activated_at=added.created_at,
            by="anna",
            reason="learned",
        )
        states.record_activation(activated, cluster="c", partition=0, offset=10 * version)
    return states


async def test_a_line_tells_what_its_parts_are(client: httpx.AsyncClient, database: Database) -> None:
    spec = LineSpec(
        line=LINE,
        class_name="nut",
        defect_words=("with a burr",),
        normality="round, no print",
        descriptions=(Description(name="burr", level=PromptLevel.TEMPLATE, text="A thin burr."),),
        description_level=PromptLevel.TEMPLATE,
        learned_words="ab" * 32,
        matching="aligned",
    )
    LineRegistry(database).upsert(spec)
    shown = next(item for item in (await client.get("/api/v1/lines")).json()["items"] if item["line"] == LINE)
    assert [shown[name] for name in ("class_name", "defect_words", "normality", "matching")] == [
        "nut", ["with a burr"], "round, no print", "aligned",
    ]  # fmt: skip
    assert shown["descriptions"] == [{"name": "burr", "level": "template", "text": "A thin burr."}]
    assert (shown["description_level"], shown["learned_words"]) == ("template", "ab" * 32)


async def test_lines_are_listed_by_id(client: httpx.AsyncClient) -> None:
    items = (await client.get("/api/v1/lines")).json()["items"]
    assert [(item["line"], item["display_name"]) for item in items] == [(LINE, "Tiles 1"), (OTHER_LINE, "Tiles 2")]


async def test_a_line_without_a_state_is_learning(client: httpx.AsyncClient) -> None:
    status = (await client.get(f"/api/v1/lines/{LINE}")).json()
    assert status["products"] == [{"product": "tile-a", "version": None, "learned": 10}]
    assert (status["parts_last_15_minutes"], status["defects_last_15_minutes"], status["unknown_last_15_minutes"]) == (
        10, 2, 1,
    )  # fmt: skip


async def test_states_mark_the_active_version(client: httpx.AsyncClient, two_versions: LineStateStore) -> None:
    items = (await client.get(f"/api/v1/lines/{LINE}/states")).json()["items"]
    assert [(item["version"], item["active"]) for item in items] == [(2, True), (1, False)]
    assert [item["parent_version"] for item in items] == [1, None]
    assert (items[0]["references"], items[0]["false_alarm_rate"]) == (2, 0.02)


async def test_a_state_says_how_well_its_few_references_know_the_rate(
    client: httpx.AsyncClient, two_versions: LineStateStore
) -> None:
    newest = (await client.get(f"/api/v1/lines/{LINE}/states")).json()["items"][0]
    # One in fifty needs 49 good parts; beyond the larger of two scores lie up to 1 - sqrt(.025) of all parts.
    assert (newest["extrapolated"], newest["references_needed"]) == (True, 49)
    assert newest["false_alarm_range"] == pytest.approx([0.0, 1 - 0.025**0.5])


async def test_activations_say_where_each_version_began(
    client: httpx.AsyncClient, two_versions: LineStateStore
) -> None:
    items = (await client.get(f"/api/v1/lines/{LINE}/activations")).json()["items"]
    assert [(item["version"], item["partition"], item["offset"]) for item in items] == [(2, 0, 20), (1, 0, 10)]


async def test_references_say_who_accepted_them(
    client: httpx.AsyncClient, database: Database, parts: list[Inspection]
) -> None:
    ReferenceStore(database).accept(LINE, "tile-a", [parts[0].inspection_id], by="anna", reason="clean")
    items = (await client.get(f"/api/v1/lines/{LINE}/references", params={"product": "tile-a"})).json()["items"]
    assert [(item["inspection_id"], item["by"], item["reason"]) for item in items] == [
        (str(parts[0].inspection_id), "anna", "clean")
    ]


async def test_a_rollback_to_a_known_version_is_sent(
    client: httpx.AsyncClient, two_versions: LineStateStore, sender: RecordingSender
) -> None:
    body = {"product": "tile-a", "version": 1}
    assert (await client.post(f"/api/v1/lines/{LINE}/rollback", json=body)).status_code == 202
    command = LineCommand.from_json(sender.sent[0][2].data)
    assert (command.kind, command.version) == (CommandKind.ROLLBACK, 1)


@pytest.mark.parametrize("tail", ["", "/states", "/activations", "/references", "/commands"])
async def test_an_unknown_line_is_not_found(client: httpx.AsyncClient, tail: str) -> None:
    answer = await client.get(f"/api/v1/lines/no.such.line{tail}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (404, "line")


async def test_the_ledger_names_what_is_missing(client: httpx.AsyncClient, database: Database) -> None:
    ledger = SourceLedger(
        captured=SequenceSet.parse("0-11"),
        published=SequenceSet.parse("0-10"),
        spooled=SequenceSet.parse("11"),
        in_flight=SequenceSet(),
        dropped={},
    )
    beat = Heartbeat(
        line=LINE,
        source=f"{LINE}/camera1",
        session=SESSION,
        sent_at=datetime.now(UTC),
        stage=HeartbeatStage.SETTLED,
        partition=0,
        ledger=ledger,
    )
    ResultSink(database).write(ResultBatch(heartbeats=[beat]))
    line = next(it for it in (await client.get("/api/v1/ledger")).json()["lines"] if it["line"] == LINE)
    source = line["sources"][0]
    # Ten parts have used 0..9; 10 was published, passed by inspect, and is nowhere.
    assert (source["captured"], source["used"], source["spooled"], source["unaccounted"]) == (12, 10, 1, 1)
    assert source["sequences"]["unaccounted"] == {SESSION: "10"}
