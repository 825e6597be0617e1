"""Results and reports on the wire: OPC 40100-1 names, readers older and newer than the writer."""

import json
import math
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire import strategies
from tests.unit.wire.examples import FACTS, made_inspection
from wire.cloudevents import from_kafka, to_kafka
from wire.errors import DecodeError
from wire.finding import ModalityState, ModalityVerdict, Region, Verdict
from wire.inspection import (
    Evidence,
    EvidenceKind,
    Inspection,
    Report,
    ReportedRegion,
)
from wire.ledger import EventReference

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
RESULT_ID = UUID("12345678-1234-5678-1234-567812345678")
INSPECTION = made_inspection(
    "site.area.line",
    "P-41",
    NOON,
    inspection_id=RESULT_ID,
    is_partial=True,
    verdict=Verdict.DEFECT,
    modalities=(
        ModalityVerdict(modality="rgb", state=ModalityState.USED, verdict=Verdict.DEFECT, score=3.5, threshold=3.0),
        ModalityVerdict(modality="depth", state=ModalityState.MISSING, verdict=Verdict.UNKNOWN),
    ),
    regions=(Region(index=0, modality="rgb", xyxy_px=(1, 2, 30, 40), area_px=77, score=3.5, facts=FACTS),),
    evidence=(
        Evidence(
            kind=EvidenceKind.MASK, modality="rgb", ref="masks/x.png", content_type="image/png", sha256="a", size=9
        ),
    ),
    # What an older writer leaves out: a reader's defaults.
    false_alarm_rate=None,
    packml_state="",
)


@given(
    st.none() | st.floats(allow_nan=False),
    strategies.texts,
    strategies.moments,
    st.sampled_from(Verdict),
    st.lists(strategies.event_references, max_size=3),
)
def test_a_result_survives_its_way_through_kafka(
    score: float | None, part_id: str, captured_at: datetime, verdict: Verdict, events: list[EventReference]
) -> None:
    sent = INSPECTION.model_copy(
        update={
            "score": score, "part_id": part_id, "captured_at": captured_at, "verdict": verdict, "events": tuple(events),
        }
    )  # fmt: skip
    event = from_kafka(*to_kafka(sent.to_event()))
    assert Inspection.from_json(event.data) == sent
    assert (event.type, event.id, event.time) == ("org.lineside.inspection.result.v1", str(RESULT_ID), captured_at)
    assert event.extensions == {"lineid": "site.area.line", "verdict": verdict.value}


def test_fields_have_the_names_of_opc_40100_1() -> None:
    written = json.loads(INSPECTION.to_json())
    assert written["ResultId"] == str(RESULT_ID)
    named = {"PartId", "JobId", "ProductId", "ExternalRecipeId", "CreationTime", "IsPartial", "IsSimulated"}
    assert named | {"ResultState", "ProcessingTimes"} <= written.keys()
    assert written["ResultState"] == "Completed"
    assert written["ProcessingTimes"].keys() == {"CapturedFirstAt", "StartTime", "EndTime", "ModelS"}


def test_a_reader_ignores_fields_it_does_not_know_at_every_depth() -> None:
    newer = json.loads(INSPECTION.to_json()) | {"Mood": "good"}
    newer["Regions"][0]["Facts"]["Smell"] = "burnt"
    newer["Provenance"]["Gpu"] = "H200"
    assert Inspection.from_json(json.dumps(newer)) == INSPECTION


def test_a_reader_fills_in_fields_that_an_older_writer_did_not_know() -> None:
    older = json.loads(INSPECTION.to_json())
    for name in ("FalseAlarmRate", "PackmlState", "IsSimulated"):
        del older[name]
    assert Inspection.from_json(json.dumps(older)) == INSPECTION


def test_scores_beyond_all_bounds_survive() -> None:
    read = Inspection.from_json(INSPECTION.model_copy(update={"score": math.inf, "threshold": math.nan}).to_json())
    assert read.score == math.inf
    assert read.threshold is not None
    assert math.isnan(read.threshold)


def test_every_wrong_field_is_named_at_once() -> None:
    spoiled = json.loads(INSPECTION.to_json()) | {"Verdict": "perhaps", "CreationTime": "2026-03-04T12:00:00"}
    del spoiled["Line"]
    with pytest.raises(DecodeError) as raised:
        Inspection.from_json(json.dumps(spoiled))
    assert raised.value.reason == "json"
    for name in ("Inspection: ", "Line: Field required", "Verdict: Input should be", "CreationTime: Input should have"):
        assert name in str(raised.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_json_object_are_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError, match="json: Inspection: "):
        Inspection.from_json(data)


def test_of_two_results_the_one_with_more_judged_modalities_counts_more() -> None:
    assert INSPECTION.complete_modalities == 1


def test_a_report_survives_its_way_through_kafka() -> None:
    sent = Report(
        inspection_id=RESULT_ID,
        line="site.area.line",
        part_id="P-41",
        captured_at=NOON,
        created_at=NOON,
        reporter="template",
        fallback=True,
        summary="Ein Kratzer oben links.",
        regions=(ReportedRegion(region_index=0, modality="rgb", sentence="Ein Kratzer."),),
    )
    event = from_kafka(*to_kafka(sent.to_event()))
    assert Report.from_json(event.data) == sent
    assert (event.id, event.subject) == (f"report/{RESULT_ID}", "P-41")
