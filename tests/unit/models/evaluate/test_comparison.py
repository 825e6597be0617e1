import numpy as np
import pytest
from scipy.stats import binomtest, t, ttest_rel

from models.evaluate.comparison import paired_test, sign_two_sided, t_two_sided


@pytest.mark.parametrize("freedom", [1, 2, 5, 30, 400])
@pytest.mark.parametrize("value", [0.0, 0.3, -1.0, 2.5, 9.0])
def test_scipy_finds_the_same_tail_of_students_t(value: float, freedom: int) -> None:
    assert t_two_sided(value, freedom) == pytest.approx(2 * t.sf(abs(value), freedom), rel=1e-8, abs=1e-15)


@pytest.mark.parametrize(("ahead", "behind"), [(5, 0), (3, 2), (2, 2), (0, 1), (0, 21), (14, 6)])
def test_scipy_finds_the_same_sign_test(ahead: int, behind: int) -> None:
    assert sign_two_sided(ahead, behind) == pytest.approx(binomtest(ahead, ahead + behind).pvalue, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_scipy_finds_the_same_paired_test_and_interval(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.random(15)
    second = first + rng.normal(0.03, 0.05, 15)

    found = paired_test(first.tolist(), second.tolist())

    expected = ttest_rel(second, first)
    interval = expected.confidence_interval(0.95)
    assert found.t_p == pytest.approx(expected.pvalue, rel=1e-8)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6)
    assert found.ahead + found.behind == found.pairs == 15


def test_degenerate_pairs_claim_nothing() -> None:
    one = paired_test([0.5], [0.7])
    assert (one.t_p, one.low, one.sign_p, one.ahead) == (None, None, 1.0, 1)

    equal = paired_test([0.5, 0.6], [0.5, 0.6])
    assert (equal.mean, equal.t_p, equal.sign_p, equal.ahead, equal.behind) == (0.0, None, 1.0, 0, 0)

    constant = paired_test([0.0, 1.0, 2.0], [0.5, 1.5, 2.5])  # no spread: t says nothing, signs do
    assert (constant.t_p, constant.sign_p) == (None, 0.25)
