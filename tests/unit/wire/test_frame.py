"""Frames as CloudEvents: nothing is lost on the way, and every field that is wrong has its reason."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.unit.wire import strategies
from wire import topics
from wire.cloudevents import CloudEvent, from_kafka, to_kafka
from wire.errors import DecodeError
from wire.frame import (
    Claim,
    Frame,
    FrameKind,
    Origin,
    PartReference,
    check_attribute_names,
    frame_from_event,
    frame_to_event,
)
from wire.timestamps import ClockOrigin

CAPTURED = datetime(2026, 3, 4, 12, 0, 0, 250_000, tzinfo=UTC)
TRIGGERED = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DEPTH = Frame(
    origin=Origin(line="site.area.line", source="site.area.line/depth1", session="boot-9", sequence=41),
    kind=FrameKind.IMAGE,
    modality="depth",
    captured_at=CAPTURED,
    clock=ClockOrigin.PTP,
    content_type="image/png",
    part=PartReference(part_id="P-41", trigger_session="plc-2", triggered_at=TRIGGERED, simulated=True),
    claim=Claim(ref="payloads/x.png", sha256="ab" * 32, size=600_000),
    attributes={"depthscale": "0.1", "intrinsics": "600,600,320,240"},
    traceparent="00-ab-cd-01",
)


@given(strategies.frames)
def test_a_frame_survives_its_way_through_kafka(sent: Frame) -> None:
    assert frame_from_event(from_kafka(*to_kafka(frame_to_event(sent)))) == sent


def test_a_frame_is_spelled_as_the_conventions_say() -> None:
    event = frame_to_event(DEPTH)
    assert (event.type, event.source, event.time, event.subject) == (
        "org.lineside.frame.image.v1",
        "site.area.line/depth1",
        CAPTURED,
        "P-41",
    )
    assert (event.data, event.content_type, event.traceparent) == (b"", "image/png", "00-ab-cd-01")
    assert event.id == str(DEPTH.event_id)
    assert event.extensions == {
        "depthscale": "0.1",
        "intrinsics": "600,600,320,240",
        "lineid": "site.area.line",
        "sessionid": "boot-9",
        "sequence": "41",
        "partid": "P-41",
        "triggersession": "plc-2",
        "triggertime": "2026-03-04T12:00:00.000000Z",
        "simulated": "true",
        "modality": "depth",
        "timesource": "ptp",
        "dataref": "payloads/x.png",
        "datasha256": "ab" * 32,
        "datasize": "600000",
    }


def test_an_attribute_never_overwrites_a_field_of_the_frame() -> None:
    assert frame_to_event(replace(DEPTH, attributes={"sequence": "7"})).extensions["sequence"] == "41"


def test_a_frame_without_a_known_clock_was_stamped_by_the_host() -> None:
    assert frame_from_event(without("timesource")(frame_to_event(DEPTH))).clock is ClockOrigin.HOST


@pytest.mark.parametrize("both", [{"payload": b"x"}, {"claim": None}])
def test_a_frame_has_either_a_payload_or_a_claim(both: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a frame has either a payload or a claim on one"):
        replace(DEPTH, **both)  # type: ignore[arg-type]


def without(name: str) -> Callable[[CloudEvent], CloudEvent]:
    return lambda event: replace(event, extensions={key: text for key, text in event.extensions.items() if key != name})


def having(**extensions: str) -> Callable[[CloudEvent], CloudEvent]:
    return lambda event: replace(event, extensions={**event.extensions, **extensions})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without("lineid"), "header: missing ce_lineid"),
        (without("sessionid"), "header: missing ce_sessionid"),
        (without("sequence"), "header: missing ce_sequence"),
        (without("modality"), "header: missing ce_modality"),
        (having(sequence="-1"), "header: ce_sequence is '-1', expected a non-negative integer"),
        (having(sequence="²"), "header: ce_sequence is '²', expected a non-negative integer"),
        (having(sequence="9" * 5000), "header: ce_sequence is '9+', expected a non-negative integer"),
        (having(lineid="line1"), r"line_id: 'line1' is not of the form site\.area\.line"),
        (having(timesource="sundial"), "header: ce_timesource 'sundial' is not a known clock"),
        (having(triggertime="noon"), "timestamp: 'noon' is not an RFC 3339 time"),
        (having(datasize="many"), "header: ce_dataref without a valid ce_datasize and ce_datasha256"),
        (without("datasha256"), "header: ce_dataref without a valid ce_datasize and ce_datasha256"),
        (without("dataref"), "empty: no payload and no ce_dataref"),
        (
            lambda event: replace(event, type=topics.HEARTBEAT),
            r"header: ce_type 'org\.lineside\.line\.heartbeat\.v1' is not a frame",
        ),
    ],
)
def test_a_field_that_is_wrong_is_a_decode_error_with_its_reason(
    spoil: Callable[[CloudEvent], CloudEvent], message: str
) -> None:
    with pytest.raises(DecodeError, match=message) as raised:
        frame_from_event(spoil(frame_to_event(DEPTH)))
    assert message.startswith(raised.value.reason)


@pytest.mark.parametrize("name", ["Bit-Depth", "", "x" * 41, "sequence", "dataref", "partid", "type", "id"])
def test_a_name_that_no_attribute_may_have_is_refused(name: str) -> None:
    message = f"{name!r}: lower-case letters and digits, and no name of a frame's own"
    with pytest.raises(ValueError, match=re.escape(message)):
        check_attribute_names(["bitdepth", name])


def test_names_that_attributes_may_have_pass() -> None:
    check_attribute_names(["bitdepth", "depthscale", "intrinsics"])
