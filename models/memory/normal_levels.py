"""The levels of all channels in good windows: a bounded bank, and a metric that knows which channels move together."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

# Windows kept of a line. More cost time (0.1 ms at 512 x 8) and fill the same cloud more densely.
_MOST_WINDOWS = 512
# Share of independent channels mixed into their correlation: with 0, N windows of C >= N channels have directions
# without any spread, where every new window would lie infinitely far; with 1, correlation is ignored.
_INDEPENDENT_SHARE = 0.3


@dataclass(frozen=True, kw_only=True, eq=False)
class NormalLevels:
    """bank (N, C): levels of good windows in sigma of their channel; metric (C, C): their shrunken covariance."""

    bank: NDArray[np.float64]
    metric: NDArray[np.float64]

    @classmethod
    def of(cls, deviations: NDArray[np.float64], within: NDArray[np.float64]) -> Self:
        """From levels (N, C) in sigma, NaN where a window lacks a channel (then its typical level).

        ``within`` (N, C): the same around the middle of each window's operating state, so that the way from one state
        to another is not taken for what a state varies by.
        """
        known, own = np.nan_to_num(deviations), np.nan_to_num(within)
        count, channels = known.shape
        covariance = own.T @ own / max(count, 1)
        metric = (1 - _INDEPENDENT_SHARE) * covariance + _INDEPENDENT_SHARE * np.eye(channels)
        kept = np.linspace(0, count - 1, min(count, _MOST_WINDOWS)).round().astype(np.intp)
        return cls(bank=known[kept], metric=metric)

    def distance(self, deviations: NDArray[np.float64]) -> float:
        """From levels (C,) to the nearest window of the bank, per root of the number of channels that are known."""
        known = np.isfinite(deviations)
        if not known.any():
            return 0.0
        offs = deviations[known] - self.bank[:, known]  # (N, c)
        squares = (offs * np.linalg.solve(self.metric[np.ix_(known, known)], offs.T).T).sum(axis=1)
        return float(np.sqrt(squares.min() / known.sum()))
