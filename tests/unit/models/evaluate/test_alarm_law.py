"""How many false alarms a kept rate gives: by hand, against scipy, and by counting."""

import numpy as np
import pytest
from scipy.stats import betabinom

from models.evaluate.alarm_law import AlarmLaw


def test_half_of_all_memories_of_19_parts_leave_19_others_without_an_alarm():
    # k = ceil(20 * .95) = 19: the share is Beta(1, 19), and the mean of (1 - p)^19 over it is 19 / (19 + 19).
    law = AlarmLaw.of_memory(19, 0.05, 19)
    assert law.chances[0] == pytest.approx(0.5)
    # All 19 of them are flagged in one of C(38, 19) memories: those whose largest score lies below all others.
    assert law.chances[19] == pytest.approx(1 / 35345263800)
    assert law.chances.sum() == pytest.approx(1)


def test_a_fresh_part_exceeds_the_largest_of_nine_scores_once_in_ten():
    # (9 + 1)(1 - .1) is 9 and not the 10 that binary fractions make of it.
    assert AlarmLaw.of_memory(9, 0.1, 1).chances == pytest.approx([0.9, 0.1])
    # ceil(25 * .95) = 24: the largest of 24 scores, exceeded by 1 in 25: less than the 1 in 20 that was stated.
    assert AlarmLaw.of_memory(24, 0.05, 1).chances[1] == pytest.approx(0.04)


def test_a_rate_beyond_the_scores_is_met_on_the_mean():
    assert AlarmLaw.of_memory(24, 0.01, 1).chances[1] == pytest.approx(0.01)


@pytest.mark.parametrize(("references", "rate", "above"), [(24, 0.05, 1), (24, 0.2, 5), (99, 0.05, 5)])
def test_scipy_knows_the_same_law(references: int, rate: float, above: int):
    law = AlarmLaw.of_memory(references, rate, 60)
    expected = betabinom(60, above, references + 1 - above)
    assert law.chances == pytest.approx(expected.pmf(np.arange(61)))
    low, high = law.within(0.95)
    assert expected.cdf(low - 1) <= 0.025 < expected.cdf(low)
    assert expected.cdf(high - 1) < 0.975 <= expected.cdf(high)


def test_memories_add_up_and_are_less_scattered_together():
    one = AlarmLaw.of_memory(24, 0.2, 60)
    ten = AlarmLaw.of_all([one] * 10)
    assert ten.parts == 600
    # Means add up; Beta(5, 20) has the mean .2 and the variance .16 / 26, so 600 parts have 12 and this spread.
    counts = np.arange(601)
    mean = (ten.chances * counts).sum()
    assert mean == pytest.approx(120)
    variance = 10 * (60 * 0.16 + 60 * 59 * 0.16 / 26)
    assert (ten.chances * (counts - mean) ** 2).sum() == pytest.approx(variance)
    low, high = ten.within(0.95)
    assert (low, high) == pytest.approx((120 - 1.96 * variance**0.5, 120 + 1.96 * variance**0.5), abs=4)


def test_thresholds_of_random_scores_follow_it_and_not_the_binomial_law():
    rng = np.random.default_rng(3)
    scores, fresh = rng.gumbel(size=(4000, 24)), rng.gumbel(size=(4000, 60))
    alarms = (fresh > scores.max(axis=1, keepdims=True)).sum(axis=1)
    law = AlarmLaw.of_memory(24, 0.05, 60)
    assert np.mean(alarms == 0) == pytest.approx(law.chances[0], abs=0.03)  # 24 / 84 = .286
    assert law.chances[0] == pytest.approx(24 / 84)
    assert np.mean(alarms >= 8) == pytest.approx(law.chances[8:].sum(), abs=0.02)  # .059; binomial with .04: .003
    assert law.tail(0) == pytest.approx(2 * 24 / 84)
