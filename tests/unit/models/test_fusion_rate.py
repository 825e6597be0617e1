"""The part's false-alarm rate on drawn normals, whatever ties the modalities together and whichever of them come."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.fuse.judgement import judge_remembered
from models.fuse.verdict import fuse, rate_per_modality
from models.memory.calibration import calibrate
from wire.finding import Verdict

MODALITIES = ("rgb", "depth", "sensor")
LINES, REFERENCES, FRESH = 120, 59, 60


def drawn(rng: np.random.Generator, count: int, correlation: float) -> NDArray[np.float64]:
    """(count, 3) scores of good parts: Gaussians that share one cause, each bent to another family and unit."""
    covariance = np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)
    z = rng.multivariate_normal(np.zeros(3), covariance, count)
    return np.stack([10 + 2 * z[:, 0], np.exp(0.2 * z[:, 1]), 1 + 0.1 * z[:, 2] ** 2], axis=1)


def measured_rate(rate: float, correlation: float, came: tuple[int, ...], seed: int = 0) -> float:
    """Share of fresh good parts that are called defective, over many lines with references of their own."""
    rng = np.random.default_rng(seed)
    alarms = 0
    for _ in range(LINES):
        known = [calibrate(column.tolist()) for column in drawn(rng, REFERENCES, correlation).T]
        each = rate_per_modality(rate, len(came))
        for scores in drawn(rng, FRESH, correlation):
            judged = [judge_remembered(MODALITIES[k], float(scores[k]), known[k], each, {}) for k in came]
            alarms += fuse(judged).verdict is Verdict.DEFECT
    return alarms / (LINES * FRESH)


# 7200 parts on 120 lines. At 5 %: binomial sd 0.26 %, and each line's own rate, a Beta of its 59 references, adds about
# 0.25 % over 120 lines; the bounds are three of both together, 1.1 %.
TOLERANCE = 0.011


def test_independent_modalities_keep_the_stated_rate():
    # Each at 1.70 %: ceil(60 * 0.983) = the highest of 59, exceeded by 1 / 60; together 1 - (59 / 60)^3 = 4.9 %.
    assert measured_rate(0.05, 0.0, (0, 1, 2)) == pytest.approx(1 - (59 / 60) ** 3, abs=TOLERANCE)


def test_modalities_that_rise_together_alarm_less_and_never_more():
    rates = [measured_rate(0.05, correlation, (0, 1, 2)) for correlation in (0.0, 0.9)]
    assert rates[1] < rates[0]
    assert rates[1] > 1 / 60 - TOLERANCE  # one modality alone


def test_modalities_that_exclude_each_other_exceed_it_by_no_more_than_the_bound():
    # Whatever the dependence: M r < -ln(1 - rate), here 5.13 %.
    assert measured_rate(0.05, -0.45, (0, 1, 2)) < -np.log(1 - 0.05) + TOLERANCE
    for rate in (1e-3, 0.01, 0.05):
        for count in range(1, 9):
            assert rate <= count * rate_per_modality(rate, count) + 1e-12 < -np.log(1 - rate) + 1e-9


@pytest.mark.parametrize("came", [(0,), (1,), (0, 2), (1, 2)])
@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_a_missing_modality_leaves_the_rate_where_it_was(came: tuple[int, ...], correlation: float):
    found = measured_rate(0.05, correlation, came)
    # Alone: ceil(60 * 0.95) = 57th of 59, exceeded by 3 / 60. Two at 2.53 %: 59th of 59, 1 - (59 / 60)^2 = 3.3 %.
    expected = 3 / 60 if len(came) == 1 else 1 - (59 / 60) ** 2
    assert found < 0.05 + TOLERANCE
    if len(came) == 1 or correlation == 0:
        assert found == pytest.approx(expected, abs=TOLERANCE)


def test_a_modality_that_often_fails_to_come_does_not_change_the_rate_of_the_mixture():
    rates = [measured_rate(0.05, 0.3, came, seed) for seed, came in enumerate([(0, 1, 2), (0, 1), (0,), (2,)])]
    assert float(np.mean(rates)) < 0.05 + TOLERANCE / 2


def test_an_extrapolated_rate_is_kept_over_three_modalities():
    assert measured_rate(0.01, 0.3, (0, 1, 2)) < 0.01 + 0.006


def test_each_modality_keeps_its_own_verdict_beside_the_fused_one():
    known = calibrate([float(k) for k in range(1, 60)])
    each = rate_per_modality(0.05, 3)
    judged = [
        judge_remembered(name, score, known, each, {}) for name, score in zip(MODALITIES, (10, 99, 30), strict=True)
    ]
    assert [one.verdict for one in judged] == [Verdict.OK, Verdict.DEFECT, Verdict.OK]
    fused = fuse(judged)
    assert (fused.verdict, fused.score) == (Verdict.DEFECT, judged[1].deviation)
