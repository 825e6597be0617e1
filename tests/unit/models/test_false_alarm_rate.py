"""The stated false-alarm rate against the measured one, on fresh good parts of several drawn lines."""

import pytest

from tests.unit.models.drawn_parts import ALL, LINE, good_part, small_line
from wire.finding import Verdict
from wire.inspector import Inspector
from wire.line_state import LineSpec

FAMILIES = ("brushed", "cast", "weave", "machined", "printed")
REFERENCES, FRESH = 24, 60


def measured_rate(inspector: Inspector, rate: float, modalities: tuple[str, ...]) -> float:
    alarms = 0
    for seed, family in enumerate(FAMILIES):
        drawn_line = small_line(seed, family, height=64, width=96)
        spec = LineSpec(line=LINE, expected_modalities=modalities, false_alarm_rate=rate, max_vectors=512)
        state = inspector.build_state([good_part(drawn_line, i, modalities) for i in range(REFERENCES)], spec)
        findings = inspector.inspect(
            [good_part(drawn_line, 1000 + i, modalities) for i in range(FRESH)], [state] * FRESH
        )
        alarms += sum(finding.verdict is Verdict.DEFECT for finding in findings)
    return alarms / (FRESH * len(FAMILIES))


@pytest.mark.slow
def test_a_rate_within_the_data_is_kept(inspector: Inspector):
    # 20th of 24 scores: each line's true rate is Beta(5, 20), mean 0.2, sd 0.078; with 60 fresh parts on each of five
    # lines the measured mean has an sd of sqrt(0.078^2 / 5 + 0.16 / 300) = 0.042. Three of them either way.
    assert 0.2 - 0.126 < measured_rate(inspector, 0.2, ("rgb",)) < 0.2 + 0.126


@pytest.mark.slow
def test_an_extrapolated_rate_over_three_modalities_is_not_exceeded(inspector: Inspector):
    # 300 parts at 1 %: 3 alarms expected, 10 or more have a probability of 0.1 % (binomial).
    assert measured_rate(inspector, 0.01, ALL) < 10 / 300
