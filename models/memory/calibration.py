"""From the scores of good parts to a threshold at a stated false-alarm rate.

Calibration scores are leave-one-out, and as a memory of one reference more would give them (``newcomers_share``), so a
new good part's score is exchangeable with them. With N of them, the k-th
smallest, k = ceil((N + 1)(1 - rate)), is exceeded with a probability of at most ``rate``: exact, whatever the
distribution. Rates below 1 / (N + 1) lie beyond the data and are extrapolated, which is flagged: a score is a maximum
over many places, so its tail is taken as Gumbel's, with location and scale by L-moments, and the uncertainty of those
two from N samples is integrated out (for a Gaussian that would be Student's t). Below 8 references the factor of 8 is
used: the honest one would accept anything.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wire.line_state import Calibration
from wire.stated_rate import threshold_rank

MAP_QUANTILE_LEVELS: Final = (0.5, 0.9, 0.99, 0.999, 0.9995, 1.0)
# 0.05 % false foreground on good parts (SYSTEMS A.4, max(Otsu, normal quantile)).
MAP_LEVEL: Final = 0.9995

# Standard deviation and second L-moment of the standard Gumbel distribution.
_GUMBEL_SIGMA = math.pi / math.sqrt(6)
_GUMBEL_L2 = math.log(2)
# Scores of good parts never agree better than this share of their mean; identical references would else alarm on noise.
_RELATIVE_FLOOR = 0.01
_FEWEST, _MOST = 8, 512  # beyond 512 references the factor equals the plug-in one within 1 %
_SIMULATIONS = 4000


@dataclass(frozen=True, kw_only=True)
class NormalThreshold:
    """A raw score above ``value`` is a defect; ``extrapolated`` = the rate lies beyond what N references can show."""

    value: float
    extrapolated: bool


def calibrate(scores: Sequence[float], maps: Sequence[NDArray[np.float32]] = ()) -> Calibration:
    """Summarise leave-one-out ``scores`` (N >= 2) and maps of good parts. ValueError with fewer than two."""
    if len(scores) < 2:
        raise ValueError(f"{len(scores)} calibration scores; at least 2 are needed")
    ordered = np.sort(np.asarray(scores, np.float64))
    mean, l2 = _l_moments(ordered)
    l2 = max(l2, _RELATIVE_FLOOR * abs(mean) * _GUMBEL_L2 / _GUMBEL_SIGMA, 1e-9)
    values = np.concatenate([m.ravel() for m in maps]) if maps else np.zeros(0)
    return Calibration(
        references=len(scores),
        scores=tuple(float(score) for score in ordered),
        location=mean,
        scale=l2 / _GUMBEL_L2 * _GUMBEL_SIGMA,
        map_quantiles=tuple(float(q) for q in np.quantile(values, MAP_QUANTILE_LEVELS)) if values.size else (),
    )


def calibrated(maps: Sequence[NDArray[np.float32]], score: Callable[[NDArray[np.float32]], float]) -> Calibration:
    """From leave-one-out maps (h, w). A single reference is its own sample: the scores of its quarters."""
    if len(maps) > 1:
        return calibrate([score(own) for own in maps], maps)
    rows, columns = maps[0].shape[0] // 2, maps[0].shape[1] // 2
    quarters = [part for half in (maps[0][:rows], maps[0][rows:]) for part in (half[:, :columns], half[:, columns:])]
    return calibrate([score(part) for part in quarters], maps).model_copy(update={"references": 1})


def newcomers_share(once: Sequence[float], twice: Sequence[float], *, references: int, left_out: int = 1) -> float:
    """What a new part's score is of that of a reference, in (0, 1]: the new part meets every reference, that one fewer.

    ``once``: scores of references against a memory without ``left_out`` of them; ``twice``: of the first of these,
    without twice as many. Scores fall with a power of the number of references, as distances to the nearest of so many
    do; that power is known from the two means. 1 where there is nothing to know it from, or where they do not fall.
    """
    fewer, fewest = references - left_out, references - 2 * left_out
    few, most = float(np.sum(twice)), float(np.sum(once[: len(twice)]))
    if fewest < 1 or most <= 0 or few <= most:
        return 1.0
    power = math.log(few / most) / math.log(fewer / fewest)
    return float((fewer / references) ** power)


def normal_threshold(calibration: Calibration, rate: float) -> NormalThreshold:
    """The score that a good part exceeds with probability ``rate`` in (0, 1); falls as the rate rises."""
    count = len(calibration.scores)
    rank = threshold_rank(count, rate)
    if rank <= count:
        # Several scores of one part (its quarters) show no more than the part does.
        beyond = threshold_rank(calibration.references, rate) > calibration.references
        return NormalThreshold(value=calibration.scores[rank - 1], extrapolated=beyond)
    l2 = calibration.scale / _GUMBEL_SIGMA * _GUMBEL_L2
    tail = calibration.location + _predictive_factor(min(max(count, _FEWEST), _MOST), rate) * l2
    return NormalThreshold(value=max(tail, calibration.scores[-1]), extrapolated=True)


def deviation(calibration: Calibration, score: float) -> float:
    """The score in standard deviations of good parts above their mean."""
    return (score - calibration.location) / calibration.scale


def map_quantile(calibration: Calibration, level: float = MAP_LEVEL) -> float:
    """The normal map value at one of ``MAP_QUANTILE_LEVELS``; ValueError at any other level."""
    return calibration.map_quantiles[MAP_QUANTILE_LEVELS.index(level)]


def _l_moments(ordered: NDArray[np.float64]) -> tuple[float, float]:
    """First two L-moments of ascending samples (N,): mean, half the mean difference of two samples."""
    count = len(ordered)
    weights = 2 * np.arange(1, count + 1) - count - 1
    return float(ordered.mean()), float((weights * ordered).sum() / (count * (count - 1)))


@lru_cache(maxsize=4096)
def _predictive_factor(count: int, rate: float) -> float:
    """The f with P(new > l1 + f * l2) = rate, where l1, l2 are the L-moments of ``count`` earlier Gumbel samples."""
    samples = np.sort(np.random.default_rng(0).gumbel(size=(_SIMULATIONS, count)), axis=1)
    means = samples.mean(axis=1)
    weights = (2 * np.arange(1, count + 1) - count - 1) / (count * (count - 1))
    l2s = samples @ weights
    low, high = 0.0, 1e4
    for _ in range(80):
        middle = (low + high) / 2
        exceeding = float(np.mean(-np.expm1(-np.exp(-(means + middle * l2s)))))
        low, high = (middle, high) if exceeding > rate else (low, middle)
    return high
