"""What a stated rate is worth: by hand, and against scipy's Beta distribution."""

import pytest
from scipy.stats import beta

from wire.stated_rate import StatedRate, threshold_rank


def test_the_rank_is_the_one_that_is_exceeded_at_most_as_often_as_stated():
    assert threshold_rank(99, 0.01) == 99
    assert threshold_rank(24, 0.2) == 20
    assert threshold_rank(9, 0.1) == 9  # not the 10 that binary fractions make of it
    assert threshold_rank(24, 0.01) == 25  # none of them


def test_thirty_two_parts_cannot_show_one_in_a_hundred_and_ninety_nine_can():
    few, enough = StatedRate(rate=0.01, references=32), StatedRate(rate=0.01, references=99)
    assert few.extrapolated
    assert not enough.extrapolated
    assert few.references_needed == enough.references_needed == 99
    # Beyond the largest of 32 scores lies more than p of all parts in (1 - p)^32 of memories: .025 at p = .109.
    assert few.range == pytest.approx((0.0, 1 - 0.025 ** (1 / 32)))


@pytest.mark.parametrize(
    ("references", "rate", "above"), [(24, 0.2, 5), (99, 0.05, 5), (199, 0.05, 10), (999, 0.2, 200)]
)
def test_scipy_finds_the_same_range(references: int, rate: float, above: int):
    low, high = StatedRate(rate=rate, references=references).range
    expected = beta(above, references + 1 - above)
    assert (low, high) == pytest.approx((expected.ppf(0.025), expected.ppf(0.975)), rel=1e-6)
    assert low < rate < high


def test_three_modalities_need_three_times_as_many_references():
    shared = StatedRate(rate=0.05, references=24, modalities=3)
    assert shared.extrapolated
    assert not StatedRate(rate=0.05, references=24).extrapolated
    # 1 - .95^(1/3) = .01695: one in 58.99.
    assert shared.references_needed == 58
    assert shared.range[1] == pytest.approx(1 - (0.025 ** (1 / 24)) ** 3)
