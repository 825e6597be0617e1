"""CloudEvents in Kafka's binary mode: what goes out comes back, and every odd header is named."""

from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.unit.wire import strategies
from wire.cloudevents import CloudEvent, from_kafka, to_kafka
from wire.errors import DecodeError

NOON = datetime(2026, 3, 4, 12, 0, 0, 250_000, tzinfo=UTC)
REQUIRED = {
    "ce_specversion": b"1.0",
    "ce_id": b"7",
    "ce_source": b"site.area.line/camera1",
    "ce_type": b"org.lineside.frame.image.v1",
    "ce_time": b"2026-03-04T12:00:00.250000Z",
}


def event(**changes: object) -> CloudEvent:
    fields = {"id": "7", "source": "s", "type": "t", "time": NOON, "data": b"\x00\xff"} | changes
    return CloudEvent(**fields)  # type: ignore[arg-type]


@given(strategies.events)
def test_an_event_survives_its_way_through_kafka(sent: CloudEvent) -> None:
    headers, value = to_kafka(sent)
    assert from_kafka(headers, value) == sent
    assert from_kafka(dict(headers), value) == sent


def test_headers_follow_the_kafka_binding_letter_by_letter() -> None:
    headers, value = to_kafka(
        event(subject="P-1", content_type="image/png", extensions={"lineid": "a.b.ü"}, traceparent="00-ab-cd-01")
    )
    assert headers == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"7"),
        ("ce_source", b"s"),
        ("ce_type", b"t"),
        ("ce_time", b"2026-03-04T12:00:00.250000Z"),
        ("ce_subject", b"P-1"),
        ("content-type", b"image/png"),
        ("traceparent", b"00-ab-cd-01"),
        ("ce_lineid", "a.b.ü".encode()),
    ]
    assert value == b"\x00\xff"


def test_a_null_value_reads_as_empty_data() -> None:
    assert from_kafka(REQUIRED, None).data == b""


def test_header_names_are_read_in_any_case_and_unknown_ones_ignored() -> None:
    read = from_kafka({**REQUIRED, "CE_LineId": b"x", "Content-Type": b"image/png", "other": b"1"}, b"")
    assert (read.extensions, read.content_type) == ({"lineid": "x"}, "image/png")


@pytest.mark.parametrize("name", ["line_id", "lineId", "line-id", "", "ü", "time", "id", "subject", "x" * 41, "a\n"])
def test_extension_names_the_specification_forbids_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a CloudEvents extension name"):
        to_kafka(event(extensions={name: "1"}))


@pytest.mark.parametrize("missing", ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"])
def test_each_required_attribute_is_named_when_it_is_missing(missing: str) -> None:
    with pytest.raises(DecodeError, match=f"header: missing {missing}"):
        from_kafka({name: value for name, value in REQUIRED.items() if name != missing}, b"")


def test_all_missing_attributes_are_named_at_once() -> None:
    with pytest.raises(DecodeError, match="header: missing ce_specversion, ce_id, ce_source, ce_type"):
        from_kafka(None, b"")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ce_specversion", b"0.3", "header: ce_specversion is '0.3', expected '1.0'"),
        ("ce_subject", b"\xff\xfe", "header: header 'ce_subject' is not UTF-8 text"),
        ("ce_id", None, "header: missing ce_id"),
        ("content-type", b"application/cloudevents+json", r"header: structured mode .* is not supported"),
        ("ce_time", b"yesterday", "timestamp: 'yesterday' is not an RFC 3339 time"),
        ("ce_time", b"2026-03-04T12:00:00", "timestamp: '2026-03-04T12:00:00' has no time zone"),
    ],
)
def test_an_unreadable_header_is_a_decode_error_with_its_reason(name: str, value: bytes | None, message: str) -> None:
    with pytest.raises(DecodeError, match=message) as raised:
        from_kafka({**REQUIRED, name: value}, b"")
    assert message.startswith(raised.value.reason)
