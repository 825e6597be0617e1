"""Moments on the wire: UTC with microseconds, whatever zone they came in."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from tests.unit.wire import strategies
from wire.errors import DecodeError
from wire.timestamps import from_epoch_ms, from_rfc3339, to_rfc3339

CEST = timezone(timedelta(hours=2))


@given(strategies.moments)
def test_a_moment_survives_its_text(moment: datetime) -> None:
    assert from_rfc3339(to_rfc3339(moment)) == moment


def test_another_zone_is_written_and_read_in_utc() -> None:
    assert to_rfc3339(datetime(2026, 7, 1, 12, 0, tzinfo=CEST)) == "2026-07-01T10:00:00.000000Z"
    assert from_rfc3339("2026-07-01T12:00:00+02:00") == datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
    assert from_rfc3339("2026-07-01T12:00:00+02:00").tzinfo is UTC


def test_a_naive_moment_is_not_written() -> None:
    with pytest.raises(ValueError, match="has no time zone; every moment in Lineside is aware"):
        to_rfc3339(datetime(2026, 7, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "timestamp: '' is not an RFC 3339 time"),
        ("12:00", "timestamp: '12:00' is not an RFC 3339 time"),
        ("2026-13-01T00:00:00Z", "timestamp: '2026-13-01T00:00:00Z' is not an RFC 3339 time"),
        ("0001-01-01T00:00:00+14:00", r"timestamp: '0001-01-01T00:00:00\+14:00' is not an RFC 3339 time"),
        ("2026-07-01T12:00:00", "timestamp: '2026-07-01T12:00:00' has no time zone"),
    ],
)
def test_text_that_is_no_moment_is_a_decode_error(text: str, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        from_rfc3339(text)


def test_a_record_timestamp_counts_milliseconds_since_1970() -> None:
    assert from_epoch_ms(1_000_000_000_123) == datetime(2001, 9, 9, 1, 46, 40, 123_000, tzinfo=UTC)
