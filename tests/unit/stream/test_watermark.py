"""The watermark of one partition."""

import pytest

from stream.steps.watermark import Watermark


def test_watermark_is_the_highest_broker_time_and_never_goes_back() -> None:
    watermark = Watermark(idle_s=3)
    assert watermark.observe(0, 100.0, now_s=0) == 100.0
    assert watermark.observe(1, 99.0, now_s=1) == 100.0
    assert watermark.observe(2, 101.5, now_s=2) == 101.5


def test_watermark_follows_the_clock_when_the_broker_proves_silence() -> None:
    watermark = Watermark(idle_s=3)
    watermark.observe(7, 100.0, now_s=10)
    assert not watermark.is_silent(12.9)
    assert watermark.is_silent(13)
    assert watermark.prove_silence(8, asked_at_s=14.5) == 104.5


@pytest.mark.parametrize(
    ("end_offset", "asked_at_s"),
    [(9, 14.5), (8, 12.0), (8, 9.0)],
    ids=["a record waits in the broker", "too short", "asked before the last record came"],
)
def test_watermark_stays_without_proof_of_silence(end_offset: int, asked_at_s: float) -> None:
    watermark = Watermark(idle_s=3)
    watermark.observe(7, 100.0, now_s=10)
    assert watermark.prove_silence(end_offset, asked_at_s=asked_at_s) == 100.0


def test_watermark_does_not_go_back_when_a_record_ends_a_silence() -> None:
    watermark = Watermark(idle_s=3)
    watermark.observe(7, 100.0, now_s=10)
    watermark.prove_silence(8, asked_at_s=20)
    assert watermark.observe(8, 105.0, now_s=21) == 110.0
    assert watermark.observe(9, 111.0, now_s=22) == 111.0


def test_watermark_without_any_record_has_no_time() -> None:
    watermark = Watermark(idle_s=3)
    assert not watermark.is_silent(1e9)
    assert watermark.prove_silence(0, asked_at_s=1e9) == float("-inf")
