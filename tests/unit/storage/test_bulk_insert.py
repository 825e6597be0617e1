from datetime import datetime, timedelta, timezone

from storage.bulk_insert import clean_text, moment_text


def test_a_moment_is_written_in_utc_with_six_digits() -> None:
    two_hours_east = timezone(timedelta(hours=2))
    assert moment_text(datetime(2025, 3, 14, 12, 0, tzinfo=two_hours_east)) == "2025-03-14 10:00:00.000000"
    assert moment_text(datetime(2025, 1, 1, 0, 30, 0, 5, tzinfo=two_hours_east)) == "2024-12-31 22:30:00.000005"


def test_text_loses_only_the_character_that_postgres_cannot_store() -> None:
    assert clean_text("P\x001\t\\é") == "P\ufffd1\t\\é"
