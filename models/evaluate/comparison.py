"""Two detectors over the same kinds of defects: is the difference more than chance?

Pairs are kinds (each its mean over draws). The paired t test asks for the mean difference and takes the differences as
normal; the sign test only counts which side is ahead and assumes nothing. Few kinds prove little, whatever they show.
"""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.evaluate.evaluator import MEAN_OF_KINDS, POOLED
from models.evaluate.figures import METRICS
from models.evaluate.results import DetectorResult, EvaluationResult, ShotsResult
from wire.errors import ConfigurationError

_CONFIDENCE = 0.95


class PairedTest(BaseModel):
    """Differences second - first. None where a test does not apply: fewer than two pairs, or no spread for t."""

    model_config = ConfigDict(frozen=True)

    pairs: int
    mean: float
    low: float | None
    high: float | None
    t_p: float | None
    sign_p: float
    ahead: int
    behind: int


class FigureComparison(BaseModel):
    """One figure: (first, second) per kind, and what the pairs say together."""

    model_config = ConfigDict(frozen=True)

    metric: str
    kinds: dict[str, tuple[float, float]]
    test: PairedTest


class ShotsComparison(BaseModel):
    """One number of references that both sides have."""

    model_config = ConfigDict(frozen=True)

    shots: int
    figures: tuple[FigureComparison, ...]


def compare(first: EvaluationResult, second: EvaluationResult, left: str, right: str) -> list[ShotsComparison]:
    """Compare detector ``left`` of ``first`` with ``right`` of ``second``.

    ConfigurationError: no such detector, other images or conditions, or no number of references that both have.
    """
    problems = [*_differences(first, second)]
    one, other = _detector(first, left, problems), _detector(second, right, problems)
    if problems or one is None or other is None:
        raise ConfigurationError(problems)
    found = []
    for mine in one.shots:
        theirs = next((each for each in other.shots if each.shots == mine.shots), None)
        if theirs is not None and mine.draws and theirs.draws:
            found.append(ShotsComparison(shots=mine.shots, figures=_figures(mine, theirs)))
    if not found:
        raise ConfigurationError([f"{left} and {right} were measured at no common number of references"])
    return found


def paired_test(first: Sequence[float], second: Sequence[float]) -> PairedTest:
    """Both tests on pairs (n,), n >= 1; two-sided."""
    differences = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    count, mean = differences.size, float(differences.mean())
    ahead, behind = int((differences > 0).sum()), int((differences < 0).sum())
    error = float(differences.std(ddof=1)) / math.sqrt(count) if count > 1 else 0.0
    half = error * _t_quantile(1 - _CONFIDENCE, count - 1) if error > 0 else None
    return PairedTest(
        pairs=count,
        mean=mean,
        low=None if half is None else mean - half,
        high=None if half is None else mean + half,
        t_p=t_two_sided(mean / error, count - 1) if error > 0 else None,
        sign_p=sign_two_sided(ahead, behind),
        ahead=ahead,
        behind=behind,
    )


def sign_two_sided(ahead: int, behind: int) -> float:
    """Chance of a split at least so uneven if either side is as likely; ties are left out, 1 without any pair."""
    count = ahead + behind
    tail: float = sum(math.comb(count, i) for i in range(max(ahead, behind), count + 1)) / 2**count
    return min(1.0, 2 * tail)


def t_two_sided(t: float, freedom: int) -> float:
    """Chance of |T| >= |t| for Student's t with ``freedom`` >= 1 degrees.

    With T = sqrt(freedom) tan(angle) the density is a power of a cosine, which Gauss's rule integrates exactly enough.
    """
    start = math.atan(abs(t) / math.sqrt(freedom))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    half = (math.pi / 2 - start) / 2
    angles = start + half * (nodes + 1)
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return min(1.0, 2 * scale * half * float((weights * np.cos(angles) ** (freedom - 1)).sum()))


def _t_quantile(two_sided: float, freedom: int) -> float:
    """The t that is exceeded in size with chance ``two_sided``."""
    low, high = 0.0, 1e4
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_two_sided(middle, freedom) > two_sided else (low, middle)
    return high


def _figures(mine: ShotsResult, theirs: ShotsResult) -> tuple[FigureComparison, ...]:
    rows = [row for row in mine.spread if row in theirs.spread and row not in (MEAN_OF_KINDS, POOLED)]
    found = []
    for metric in METRICS:
        kinds = {
            row: (mine.spread[row][metric].mean, theirs.spread[row][metric].mean)
            for row in rows
            if metric in mine.spread[row] and metric in theirs.spread[row]
        }
        if kinds:
            test = paired_test([pair[0] for pair in kinds.values()], [pair[1] for pair in kinds.values()])
            found.append(FigureComparison(metric=metric, kinds=kinds, test=test))
    return tuple(found)


def _detector(result: EvaluationResult, name: str, problems: list[str]) -> DetectorResult | None:
    found = next((detector for detector in result.detectors if detector.name == name), None)
    if found is None:
        problems.append(f"no detector {name!r}; there are {', '.join(each.name for each in result.detectors)}")
    return found


def _differences(first: EvaluationResult, second: EvaluationResult) -> list[str]:
    """Conditions that make figures of the two incomparable. Numbers of draws and vectors may differ."""
    pairs = [("images", first.dataset.images, second.dataset.images)]
    for name in ("seed", "resolution", "input_size", "images_per_kind", "group", "group_distance", "near_duplicates"):
        pairs.append((name, getattr(first.conditions, name), getattr(second.conditions, name)))
    return [
        f"not comparable: {name} is {mine!r} here and {theirs!r} there"
        for name, mine, theirs in pairs
        if mine != theirs
    ]
