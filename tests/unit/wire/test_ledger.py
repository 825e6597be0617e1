"""The ledger's messages: sets on the wire, and a ledger that adds up or says where it does not."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire import strategies
from wire.cloudevents import from_kafka, to_kafka
from wire.errors import DecodeError
from wire.frame import Origin
from wire.ledger import (
    BrokerLoss,
    Disposition,
    DropReason,
    EventReference,
    Heartbeat,
    HeartbeatStage,
    Outcome,
    SourceLedger,
    SpoolState,
)
from wire.sequence_set import SequenceSet

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)

ledgers = strategies.records(
    SourceLedger,
    captured=strategies.sequence_sets,
    published=strategies.sequence_sets,
    spooled=strategies.sequence_sets,
    in_flight=strategies.sequence_sets,
    dropped=st.dictionaries(st.sampled_from(DropReason), strategies.sequence_sets),
)
heartbeats = strategies.records(
    Heartbeat,
    line=strategies.line_ids,
    source=strategies.filled,
    session=strategies.filled,
    sent_at=strategies.moments,
    stage=st.sampled_from(HeartbeatStage),
    partition=st.none() | st.integers(0, 48),
    closed=st.booleans(),
    ledger=ledgers,
)
dispositions = strategies.records(
    Disposition,
    line=strategies.texts,
    event=st.none() | strategies.event_references,
    outcome=st.sampled_from(Outcome),
    reason=strategies.texts,
    topic=strategies.filled,
    partition=st.integers(0, 48),
    offset=strategies.sequences,
    decided_at=strategies.moments,
)


def ledger(**numbers: object) -> SourceLedger:
    empty: dict[str, object] = {"captured": "", "published": "", "spooled": "", "in_flight": "", "dropped": {}}
    return SourceLedger.model_validate(empty | numbers)


@given(heartbeats)
def test_a_heartbeat_survives_its_way_through_kafka(sent: Heartbeat) -> None:
    event = from_kafka(*to_kafka(sent.to_event()))
    assert Heartbeat.from_json(event.data) == sent
    assert event.extensions["lineid"] == sent.line


@given(dispositions)
def test_a_disposition_survives_its_way_through_kafka(sent: Disposition) -> None:
    assert Disposition.from_json(from_kafka(*to_kafka(sent.to_event())).data) == sent


def test_a_broker_loss_survives_its_way_through_kafka() -> None:
    sent = BrokerLoss(
        line="a.b.c", topic="lineside.frames", partition=3, first_offset=10, last_offset=12, noticed_at=NOON
    )
    event = from_kafka(*to_kafka(sent.to_event()))
    assert BrokerLoss.from_json(event.data) == sent
    assert (event.id, event.source) == ("loss/lineside.frames/3/10-12", "lineside.frames/3/10-12")


def test_sets_travel_as_text_under_pascal_case_names() -> None:
    heartbeat = Heartbeat(
        line="a.b.c",
        source="a.b.c/camera1",
        session="boot-9",
        sent_at=NOON,
        ledger=ledger(captured="0-9", published="0-6,8", dropped={"spool_full": "9"}, in_flight="7"),
        spool=SpoolState(size_bytes=4_200_000, limit_bytes=1_000_000_000, oldest_s=75.5),
    )
    assert json.loads(heartbeat.to_json()) == {
        "Line": "a.b.c",
        "Source": "a.b.c/camera1",
        "Session": "boot-9",
        "SentAt": "2026-03-04T12:00:00Z",
        "Stage": "sent",
        "Partition": None,
        "Closed": False,
        "Ledger": {
            "Captured": "0-9",
            "Published": "0-6,8",
            "Spooled": "",
            "InFlight": "7",
            "Dropped": {"spool_full": "9"},
        },
        "Spool": {"SizeBytes": 4200000, "LimitBytes": 1000000000, "OldestS": 75.5},
    }


def test_a_reader_ignores_fields_it_does_not_know() -> None:
    old = Heartbeat(line="a.b.c", source="s", session="x", sent_at=NOON, ledger=ledger(captured="1"))
    newer = json.loads(old.to_json()) | {"Mood": "good"}
    newer["Ledger"]["Recycled"] = "3-4"
    assert Heartbeat.from_json(json.dumps(newer)) == old


@given(ledgers)
def test_unbalanced_names_what_was_captured_or_accounted_for_but_not_both(drawn: SourceLedger) -> None:
    elsewhere = set(drawn.published) | set(drawn.spooled) | set(drawn.in_flight)
    for numbers in drawn.dropped.values():
        elsewhere |= set(numbers)
    assert set(drawn.unbalanced()) == elsewhere ^ set(drawn.captured)


def test_a_balanced_ledger_has_nothing_unbalanced() -> None:
    assert not ledger(
        captured="0-9", published="0-5", spooled="6", in_flight="7", dropped={"unreadable": "8-9"}
    ).unbalanced()
    assert str(ledger(captured="0-3", published="1-4").unbalanced()) == "0,4"


def test_the_same_heartbeat_in_another_stage_is_another_event() -> None:
    sent = Heartbeat(line="a.b.c", source="s", session="x", sent_at=NOON, ledger=ledger())
    settled = sent.model_copy(update={"stage": HeartbeatStage.SETTLED})
    assert sent.to_event().id != settled.to_event().id


@pytest.mark.parametrize(
    ("captured", "message"),
    [("3-1", "ledger: 3-1 is not an interval"), (5, "json: SourceLedger: Captured: Value error, 5 is not a set")],
)
def test_a_set_that_is_none_is_a_decode_error(captured: object, message: str) -> None:
    written = {"Captured": captured, "Published": "", "Spooled": "", "InFlight": "", "Dropped": {}}
    with pytest.raises(DecodeError, match=message):
        SourceLedger.from_json(json.dumps(written))


def test_an_event_reference_names_its_origin() -> None:
    origin = Origin(line="a.b.c", source="a.b.c/camera1", session="boot-9", sequence=41)
    reference = EventReference.of(origin, modality="rgb", captured_at=NOON)
    assert reference == EventReference(
        event_id=UUID(str(origin.event_id)),
        source="a.b.c/camera1",
        session="boot-9",
        sequence=41,
        modality="rgb",
        captured_at=NOON,
    )


def test_sequence_sets_from_the_wire_are_sequence_sets() -> None:
    read = SourceLedger.from_json(ledger(captured="0-9", dropped={"incomplete": "3"}).to_json())
    assert read.captured == SequenceSet(range(10))
    assert read.dropped == {DropReason.INCOMPLETE: SequenceSet([3])}
