"""What a stated false-alarm rate is worth when a threshold was learned from few good parts.

A threshold at the k-th smallest of N scores is exceeded by a share of good parts that differs from memory to memory,
Beta(N + 1 - k, k) whatever the scores' distribution (`models/evaluate/README.md` has sources and a value by hand). A
rate below 1 / (N + 1) lies beyond the scores: its threshold is extrapolated, never below the largest score, so that
share is at most Beta(1, N).
"""

import math
from dataclasses import dataclass

# Bisections of [0, 1]: the last one is finer than anybody reads.
_STEPS = 40


def threshold_rank(count: int, rate: float) -> int:
    """Which of ``count`` ascending scores a new one exceeds with at most ``rate``; count + 1: none of them."""
    # 1 - rate is no exact binary fraction: (9 + 1)(1 - .1) must be 9, or one alarm in ten would become one in none.
    return max(1, math.ceil(round((count + 1) * (1 - rate), 9)))


@dataclass(frozen=True, kw_only=True)
class StatedRate:
    """``rate`` in (0, 1) of a part, by ``references`` good parts in each of ``modalities`` >= 1 that share it."""

    rate: float
    references: int
    modalities: int = 1

    @property
    def extrapolated(self) -> bool:
        """Whether the rate is less than so few references can show."""
        return threshold_rank(self.references, self._of_one) > self.references

    @property
    def references_needed(self) -> int:
        """As many good parts show the rate."""
        return math.ceil(round(1 / self._of_one, 6)) - 1

    @property
    def range(self) -> tuple[float, float]:
        """Where the true rate lies in 95 of 100 memories (of a part: as if all its modalities' thresholds erred alike).

        Extrapolated: from 0 to what it exceeds in one of 40.
        """
        rank = min(threshold_rank(self.references, self._of_one), self.references)
        above = self.references + 1 - rank
        low = 0.0 if self.extrapolated else _beta_quantile(above, self.references, 0.025)
        return self._of_part(low), self._of_part(_beta_quantile(above, self.references, 0.975))

    @property
    def _of_one(self) -> float:
        return float(1 - (1 - self.rate) ** (1 / self.modalities))

    def _of_part(self, rate: float) -> float:
        return float(1 - (1 - rate) ** self.modalities)


def _beta_quantile(above: int, count: int, level: float) -> float:
    """Of Beta(above, count + 1 - above): below p lies what P(Binomial(count, p) >= above) is."""
    # As logarithms: of ten thousand parts there are more choices than a float can hold.
    choices = [math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1) for k in range(above)]
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        hit, missed = math.log(middle), math.log1p(-middle)
        fewer = sum(math.exp(each + k * hit + (count - k) * missed) for k, each in enumerate(choices))
        low, high = (middle, high) if 1 - fewer < level else (low, middle)
    return (low + high) / 2
