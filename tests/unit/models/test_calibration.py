import numpy as np
import pytest

from models.memory.calibration import (
    MAP_QUANTILE_LEVELS,
    calibrate,
    deviation,
    map_quantile,
    newcomers_share,
    normal_threshold,
)

NINE = calibrate([5.0, 1.0, 3.0, 2.0, 4.0, 9.0, 7.0, 8.0, 6.0])


@pytest.mark.parametrize(("rate", "threshold"), [(0.5, 5.0), (0.2, 8.0), (0.1, 9.0), (0.95, 1.0)])
def test_within_the_data_the_threshold_is_an_order_statistic(rate: float, threshold: float):
    # (9 + 1)(1 - rate) = 5, 8, 9 and 0.5 -> 1
    found = normal_threshold(NINE, rate)
    assert (found.value, found.extrapolated) == (threshold, False)


def test_a_rate_beyond_the_data_is_extrapolated_and_flagged():
    found = normal_threshold(NINE, 0.05)
    assert found.extrapolated
    assert found.value > 9.0


def test_the_threshold_never_falls_when_the_rate_does():
    rates = [0.9, 0.5, 0.2, 0.11, 0.1, 0.09, 0.05, 0.01, 1e-3, 1e-5]
    values = [normal_threshold(NINE, rate).value for rate in rates]
    assert values == sorted(values)


@pytest.mark.parametrize("family", ["gumbel", "normal"])
@pytest.mark.parametrize(("references", "rate"), [(32, 0.01), (12, 0.02), (64, 0.002)])
def test_extrapolation_keeps_the_stated_rate_over_many_lines(family: str, references: int, rate: float):
    rng = np.random.default_rng(1)
    exceeded = []
    for _ in range(400):
        scores = getattr(rng, family)(10.0, 2.0, references)
        limit = normal_threshold(calibrate(scores.tolist()), rate).value
        exceeded.append(np.mean(getattr(rng, family)(10.0, 2.0, 500) > limit))
    # Gumbel: equal within the simulation's own error; normal has a lighter tail, so less.
    assert np.mean(exceeded) < 1.35 * rate
    if family == "gumbel":
        assert np.mean(exceeded) > 0.6 * rate


def test_deviation_is_zero_at_the_mean_and_one_a_standard_deviation_above():
    rng = np.random.default_rng(0)
    calibration = calibrate(rng.gumbel(3.0, 1.0, 4000).tolist())
    assert deviation(calibration, calibration.location) == 0.0
    assert deviation(calibration, calibration.location + calibration.scale) == pytest.approx(1.0)
    assert calibration.location == pytest.approx(3.0 + 0.5772, abs=0.07)  # Euler's constant
    assert calibration.scale == pytest.approx(1.2825, abs=0.06)  # pi / sqrt(6)


def test_identical_scores_still_leave_room_for_the_next_part():
    calibration = calibrate([2.0, 2.0, 2.0, 2.0])
    assert normal_threshold(calibration, 0.01).value > 2.0


def test_scores_are_kept_ascending_and_map_quantiles_at_their_levels():
    maps = [np.arange(1001, dtype=np.float32).reshape(7, 143)]
    calibration = calibrate([3.0, 1.0], maps)
    assert calibration.scores == (1.0, 3.0)
    assert calibration.map_quantiles == pytest.approx([level * 1000 for level in MAP_QUANTILE_LEVELS])
    assert map_quantile(calibration) == pytest.approx(999.5)


def test_one_score_is_no_calibration():
    with pytest.raises(ValueError, match="1 calibration scores; at least 2 are needed"):
        calibrate([1.0])


def test_a_new_part_meets_one_reference_more_than_one_that_was_left_out():
    # 3 references: against one of them scores are 4, against two 2, so score times number is constant: of three 4 / 3.
    assert newcomers_share([2.0, 2.0, 2.0], [4.0, 4.0, 4.0], references=3) == pytest.approx(2 / 3)
    # Of those that were left out twice alone: 12 references, four together; against 4 of them 6, against 8 of them 3.
    assert newcomers_share([3.0] * 4 + [99.0] * 8, [6.0] * 4, references=12, left_out=4) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("once", "twice", "references"),
    [([1.0, 2.0], [], 2), ([2.0, 2.0, 2.0], [1.9, 1.9, 1.9], 3), ([0.0] * 3, [0.0] * 3, 3)],
    ids=["two references", "scores that do not fall", "parts that show nothing"],
)
def test_where_nothing_is_known_of_one_reference_more_scores_stay(
    once: list[float], twice: list[float], references: int
):
    assert newcomers_share(once, twice, references=references) == 1.0
