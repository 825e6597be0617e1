import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from models.evaluate.metrics.ranking import Ranking
from models.evaluate.metrics.score_histogram import ScoreHistogram, falling_bins
from models.evaluate.metrics.score_histogram import binned as may_differ


def scores(seed: int, *, tied: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    good, defect = rng.normal(0, 1, 900), rng.normal(0.7, 1.3, 77)
    return (np.round(good, 1), np.round(defect, 1)) if tied else (good, defect)


def streamed_ranking(good: np.ndarray, defect: np.ndarray) -> Ranking:
    histograms = [ScoreHistogram(), ScoreHistogram()]
    for histogram, values in zip(histograms, (good, defect), strict=True):
        for chunk in np.array_split(values.astype(np.float32), 7):
            histogram.add(chunk)
    edges, (first, second) = falling_bins(histograms)
    return Ranking(good=first, defect=second, binned=may_differ(edges))


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_scikit_learn_finds_the_same_figures_of_random_and_tied_scores(seed: int, tied: bool) -> None:
    good, defect = scores(seed, tied=tied)
    labels = np.repeat([0, 1], [good.size, defect.size])
    together = np.concatenate([good, defect])
    precision, recall, _ = precision_recall_curve(labels, together)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)

    exact = Ranking.of_scores(good, defect)

    assert exact.auroc() == pytest.approx(roc_auc_score(labels, together), abs=1e-12)
    assert exact.average_precision() == pytest.approx(average_precision_score(labels, together), abs=1e-12)
    assert exact.max_f1() == pytest.approx(f1.max(), abs=1e-12)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_binned_figures_lie_within_the_tolerance_that_they_state(seed: int, tied: bool) -> None:
    good, defect = scores(seed, tied=tied)
    exact, streamed = Ranking.of_scores(good, defect), streamed_ranking(good, defect)

    exact_auroc, auroc, tolerance = exact.auroc(), streamed.auroc(), streamed.auroc_tolerance()

    assert exact_auroc is not None and auroc is not None and tolerance is not None
    assert abs(auroc - exact_auroc) <= tolerance + 1e-12
    if not tied:  # ties are real there, and count as pairs that share a bin
        assert tolerance < 1e-3
    assert streamed.average_precision() == pytest.approx(exact.average_precision(), abs=1e-3)
    assert streamed.max_f1() == pytest.approx(exact.max_f1(), abs=1e-3)


def test_scores_cut_off_at_zero_are_true_ties_and_cost_no_tolerance() -> None:
    good, defect = (np.maximum(values, 0) for values in scores(1, tied=False))

    streamed = streamed_ranking(good, defect)
    tolerance = streamed.auroc_tolerance()

    assert (good == 0).mean() > 0.4
    assert tolerance is not None and tolerance < 1e-4
    assert streamed.auroc() == pytest.approx(Ranking.of_scores(good, defect).auroc(), abs=1e-4)


def test_tied_scores_stay_tied_in_bins() -> None:
    good, defect = scores(0, tied=True)

    assert streamed_ranking(good, defect).auroc() == pytest.approx(Ranking.of_scores(good, defect).auroc(), abs=1e-12)


def test_a_monotone_transformation_changes_nothing() -> None:
    good, defect = scores(3, tied=False)

    def stretched(values: np.ndarray) -> np.ndarray:
        return np.exp(3 * values) - 7

    before, after = Ranking.of_scores(good, defect), Ranking.of_scores(stretched(good), stretched(defect))
    assert (after.auroc(), after.average_precision(), after.max_f1()) == (
        before.auroc(),
        before.average_precision(),
        before.max_f1(),
    )
    assert streamed_ranking(stretched(good), stretched(defect)).auroc() == pytest.approx(before.auroc(), abs=2e-4)


def test_perfect_is_one_and_inverted_is_zero() -> None:
    low, high = np.array([0.1, 0.2, 0.2]), np.array([0.3, 0.9])

    assert Ranking.of_scores(low, high).auroc() == 1.0
    assert Ranking.of_scores(low, high).average_precision() == 1.0
    assert Ranking.of_scores(low, high).max_f1() == 1.0
    assert Ranking.of_scores(high, low).auroc() == 0.0
    assert streamed_ranking(low, high).auroc() == 1.0
    assert streamed_ranking(high, low).auroc() == 0.0


def test_scores_that_were_never_binned_have_no_tolerance() -> None:
    assert Ranking.of_scores(*scores(0, tied=True)).auroc_tolerance() == 0.0


def test_one_label_alone_has_no_figure() -> None:
    alone = Ranking.of_scores(np.zeros(0), np.array([1.0, 2.0]))

    assert (alone.auroc(), alone.average_precision(), alone.max_f1(), alone.auroc_tolerance()) == (None,) * 4
    assert streamed_ranking(np.array([1.0]), np.zeros(0)).auroc() is None


def test_bins_keep_the_order_of_any_floats() -> None:
    values = np.array([-1e30, -2.0, -1e-30, -0.0, 0.0, 1e-38, 0.5, 1.0, 1.001, 3e38], np.float32)
    histogram = ScoreHistogram()
    histogram.add(np.random.default_rng(0).permutation(values))

    edges, (weights,) = falling_bins([histogram])

    assert (np.diff(edges) < 0).all()
    assert weights.tolist() == [1, 1, 1, 1, 1, 2, 1, 1, 1]  # both zeros share a bin
    np.testing.assert_allclose(np.repeat(edges, weights.astype(int))[::-1], values, rtol=2**-14, atol=1e-37)


def test_histograms_add_up_and_know_their_quantiles() -> None:
    values = np.arange(1, 1001, dtype=np.float32)
    first, second = ScoreHistogram(), ScoreHistogram()
    first.add(values[:300])
    second.add(values[300:], np.full(700, 1.0))

    together = first + second

    assert together.total == 1000
    assert first.total == 300  # adding changes neither
    assert together.quantile(0.5) == pytest.approx(500, rel=1e-4)
    assert together.quantile(1.0) == pytest.approx(1000, rel=1e-4)
    with pytest.raises(ValueError, match="no scores"):
        ScoreHistogram().quantile(0.5)


def test_scores_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="2 of 3 scores are not finite"):
        ScoreHistogram().add(np.array([np.nan, 1, np.inf], np.float32))
