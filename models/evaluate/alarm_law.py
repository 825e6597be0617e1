"""How many false alarms a kept rate gives, when the threshold itself was learned from few parts.

A threshold at the k-th smallest of N scores, k = ceil((N + 1)(1 - rate)), is exceeded by a share of good parts that
differs from memory to memory: whatever the distribution, it is Beta(N + 1 - k, k) (order statistics of N uniform
numbers; as the coverage of conformal prediction in Vovk, "Conditional validity of inductive conformal predictors",
2012, and in Angelopoulos and Bates, "A gentle introduction to conformal prediction", 2021, section 3.2). The alarms
among M fresh parts of one memory are therefore beta-binomial. The binomial law alone, as if the rate of each memory
were the stated one, is far too narrow: with N = 19 and a rate of 5 %, Beta(1, 19) leaves M = 19 parts without any alarm
in 19 / 38 of all memories, the binomial law in .95^19 = .38.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from wire.stated_rate import threshold_rank


@dataclass(frozen=True, kw_only=True, eq=False)
class AlarmLaw:
    """chances (M + 1,): the probability of 0, 1, … M alarms among M good parts."""

    chances: NDArray[np.float64]

    @classmethod
    def of_memory(cls, references: int, rate: float, parts: int) -> Self:
        """Of one memory of ``references`` scores that judges ``parts`` fresh parts at a stated rate.

        A rate below 1 / (N + 1) lies beyond the scores: then (N + 1) times the rate stands for N + 1 - k, which has the
        right mean; how such rates differ from memory to memory depends on the tail, so the law is a rough one.
        """
        rank = threshold_rank(references, rate)
        above = float(references + 1 - rank) if rank <= references else (references + 1) * rate
        below = references + 1 - above
        start = math.lgamma(above + below) - math.lgamma(above) - math.lgamma(below)
        chances = [
            math.exp(
                math.log(math.comb(parts, alarms))
                + start
                + math.lgamma(above + alarms)
                + math.lgamma(below + parts - alarms)
                - math.lgamma(above + below + parts)
            )
            for alarms in range(parts + 1)
        ]
        return cls(chances=np.array(chances))

    @classmethod
    def of_all(cls, laws: Iterable[Self]) -> Self:
        """Of the sum of alarms over independent memories, at least one."""
        first, *others = laws
        chances = first.chances
        for other in others:
            chances = np.convolve(chances, other.chances)
        return cls(chances=chances)

    @property
    def parts(self) -> int:
        """How many good parts are judged in all."""
        return len(self.chances) - 1

    def within(self, share: float) -> tuple[int, int]:
        """The least and most alarms of the middle ``share`` of outcomes: at most half of the rest on either side."""
        cut = (1 - share) / 2
        below = np.cumsum(self.chances)
        low = int(np.searchsorted(below, cut, side="right"))
        high = int(np.searchsorted(below, 1 - cut, side="left"))
        return min(low, high), min(high, self.parts)

    def tail(self, alarms: int) -> float:
        """Probability of a count at least as far out on its side as ``alarms``, both sides: min(1, twice the tail)."""
        return min(1.0, 2 * float(min(self.chances[: alarms + 1].sum(), self.chances[alarms:].sum())))
