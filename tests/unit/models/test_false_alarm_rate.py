"""The stated false-alarm rate against the measured one, on fresh good parts of several drawn lines."""

from collections.abc import Sequence

import pytest

from models.evaluate.alarm_trials import DrawnTrials
from models.evaluate.false_alarms import by_condition, by_memory, false_alarms, outside
from models.synth.line import FAMILIES, draw_part
from tests.unit.models.drawn_parts import ALL, LINE, good_part, small_line
from wire.finding import Verdict
from wire.inspector import Inspector
from wire.line_state import LineSpec

THREE_MODALITIES_ON = ("brushed", "cast", "weave", "machined", "printed")
REFERENCES, FRESH = 24, 60


def measured_rate(inspector: Inspector, rate: float, modalities: tuple[str, ...]) -> float:
    alarms = 0
    for seed, family in enumerate(THREE_MODALITIES_ON):
        drawn_line = small_line(seed, family, height=64, width=96)
        spec = LineSpec(line=LINE, expected_modalities=modalities, false_alarm_rate=rate, max_vectors=512)
        state = inspector.build_state([good_part(drawn_line, i, modalities) for i in range(REFERENCES)], spec)
        findings = inspector.inspect(
            [good_part(drawn_line, 1000 + i, modalities) for i in range(FRESH)], [state] * FRESH
        )
        alarms += sum(finding.verdict is Verdict.DEFECT for finding in findings)
    return alarms / (FRESH * len(THREE_MODALITIES_ON))


@pytest.mark.slow
# 16th of 19 scores: each line's rate is Beta(4, 16). Fewer than five references are remembered as mirror images, too,
# and the largest of 4 scores is exceeded by Beta(1, 4): 20 % is the least that four can show.
@pytest.mark.parametrize(("references", "families"), [(19, FAMILIES[::2]), (4, FAMILIES[1::2])])
def test_a_rate_within_the_data_is_kept_on_drawn_lines(inspector: Inspector, references: int, families: Sequence[str]):
    rate = 0.2
    photographs = [draw_part(small_line(40 + i, "concrete", height=256, width=256), 0).rgb_u8 for i in range(2)]
    # `lineside evaluate-alarms --families all` in short.
    drawn = DrawnTrials(families=families, lines=1, references=references, fresh=20, side_px=64)
    counts = false_alarms(
        drawn(photographs), inspector, rate=rate, max_vectors=512, drift=False, say=lambda text: None
    )  # fmt: skip
    assert [each.group for each in counts] == list(families)
    # One line in 20 would lie outside its 95 % by chance; all of them together lie outside once in a thousand runs.
    unlikely = {
        each.name: (each.alarms, each.tail) for each in by_memory(counts, rate) if each.tail < 0.001 / len(families)
    }
    assert not unlikely
    assert outside(counts, rate).tail > 0.001
    (everything,) = by_condition(counts, rate)
    assert everything.tail > 0.001, everything


@pytest.mark.parametrize(
    ("references", "rate", "beyond"), [(4, 0.2, False), (4, 0.19, True), (1, 0.5, False), (1, 0.2, True)]
)
def test_a_rate_that_so_few_references_cannot_show_is_called_extrapolated(
    inspector: Inspector, references: int, rate: float, beyond: bool
):
    line = small_line(0, "brushed", height=64, width=96)
    parts = [good_part(line, index, ("rgb",)) for index in range(5)]
    spec = LineSpec(line=LINE, expected_modalities=("rgb",), false_alarm_rate=rate, max_vectors=512)
    state = inspector.build_state(parts[:references], spec)
    (finding,) = inspector.inspect(parts[4:], [state])
    assert [each.threshold_extrapolated for each in finding.modalities] == [beyond]
    assert state.metadata.stated_rate.extrapolated == beyond


@pytest.mark.slow
def test_an_extrapolated_rate_over_three_modalities_is_not_exceeded(inspector: Inspector):
    # 300 parts at 1 %: 3 alarms expected, 10 or more have a probability of 0.1 % (binomial).
    assert measured_rate(inspector, 0.01, ALL) < 10 / 300
