"""Figures of a ranking: how well scores put defects above good ones. Ties are counted as ties.

The curve comes as weights of good and defective per distinct score, scores falling; scikit-learn's ``roc_auc_score``,
``average_precision_score`` and the maximum of F1 over ``precision_recall_curve`` agree with it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranking:
    """good, defect (n,): weight per distinct score or bin, scores falling. Figures are None if one of the two is empty.

    ``binned`` (n,): whether different scores may share the place; None: nowhere.
    """

    good: Weights
    defect: Weights
    binned: NDArray[np.bool_] | None = None

    @classmethod
    def of_scores(cls, good: NDArray[np.float64], defect: NDArray[np.float64]) -> "Ranking":
        """From single scores (n,) and (m,), exactly."""
        values, places = np.unique(np.concatenate([good, defect]), return_inverse=True)
        places = places.reshape(-1)
        size = values.size
        return cls(
            good=np.bincount(places[: good.size], minlength=size)[::-1].astype(np.float64),
            defect=np.bincount(places[good.size :], minlength=size)[::-1].astype(np.float64),
        )

    @cached_property
    def false_rate(self) -> Weights:
        """Share of good ones at or above each score, (n,) rising to 1."""
        return _share(self.good)

    @cached_property
    def true_rate(self) -> Weights:
        """Share of defective ones at or above each score, (n,) rising to 1."""
        return _share(self.defect)

    @cached_property
    def precision(self) -> Weights:
        """Share of defective ones among those at or above each score, (n,)."""
        true = np.cumsum(self.defect)
        return true / (true + np.cumsum(self.good))

    @property
    def has_both(self) -> bool:
        """Whether there are good ones and defective ones."""
        return bool(self.good.sum() > 0 and self.defect.sum() > 0)

    def auroc(self) -> float | None:
        """Chance that a defective one scores higher than a good one; ties count half."""
        if not self.has_both:
            return None
        return float(np.trapezoid(np.append(0.0, self.true_rate), np.append(0.0, self.false_rate)))

    def auroc_tolerance(self) -> float | None:
        """How far the AUROC could lie from that of the unbinned scores: half the pairs that share a bin."""
        if not self.has_both:
            return None
        if self.binned is None:
            return 0.0
        shared = (self.good * self.defect)[self.binned].sum()
        return float(shared / (2 * self.good.sum() * self.defect.sum()))

    def average_precision(self) -> float | None:
        """Sum of precision times gain in recall."""
        if not self.has_both:
            return None
        return float((self.precision * np.diff(self.true_rate, prepend=0.0)).sum())

    def max_f1(self) -> float | None:
        """The largest F1 that any threshold reaches."""
        if not self.has_both:
            return None
        total = self.precision + self.true_rate
        f1 = np.divide(2 * self.precision * self.true_rate, total, out=np.zeros_like(total), where=total > 0)
        return float(f1.max())


def _share(weights: Weights) -> Weights:
    rising = np.cumsum(weights)
    return np.asarray(rising / rising[-1])
