"""The metric in which people's examples are compared, and how far a class may reach in it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.kinds.taught import LEAST_EXAMPLES, Limits, taught_classes
from models.train.kind_samples import KindSamples

Array = NDArray[np.float64]
# Of the scatter's mean on its diagonal: groups of six leave many directions without a measured spread. A tenth of it
# separates worse on held-out families (area under the curve 0.69 instead of 0.76), three times as much hardly.
_SHRINKAGE = 1.0
_OTHER_QUANTILE = 0.1


def fit_metric(standardised: NDArray[np.float32], samples: KindSamples, dims: int) -> NDArray[np.float32]:
    """(D, M): directions in which kinds of one line differ most, over what defects of one kind and line differ by.

    Linear discriminants (Fisher) of the groups of equal line and kind, around their line's mean.
    """
    x = standardised.astype(np.float64)
    within, between = np.zeros((x.shape[1],) * 2), np.zeros((x.shape[1],) * 2)
    degrees = 0
    for line in np.unique(samples.lines):
        of_line = samples.lines == line
        means = []
        for kind in np.unique(samples.kinds[of_line]):
            own = x[of_line & (samples.kinds == kind)]
            means.append(own.mean(axis=0))
            rest = own - means[-1]
            within += rest.T @ rest
            degrees += len(own) - 1
        apart = np.stack(means) - np.mean(means, axis=0)
        between += apart.T @ apart
    within /= max(degrees, 1)
    within += _SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
    lower = np.linalg.cholesky(within)
    inverse = np.linalg.inv(lower)
    _, vectors = np.linalg.eigh(inverse @ between @ inverse.T)
    return np.ascontiguousarray((inverse.T @ vectors[:, ::-1][:, :dims]), np.float32)


def fit_limits(points: NDArray[np.float32], samples: KindSamples) -> Limits:
    """How far regions of the same kind, and of others, lie from the mean of four examples. ValueError without any."""
    same, other = [], []
    for examples, is_same, asked in episodes(samples):
        distances = np.linalg.norm(points[asked] - points[examples].mean(axis=0), axis=1)
        same.append(distances[is_same])
        other.append(distances[~is_same])
    if not same or not np.concatenate(same).size or not np.concatenate(other).size:
        raise ValueError("no line has four defects of one kind, a fifth one, and another kind")
    least = float(np.median(np.concatenate(same))) / 2
    return Limits(least=least, most=max(least, float(np.quantile(np.concatenate(other), _OTHER_QUANTILE))))


def recognised(points: NDArray[np.float32], samples: KindSamples, limits: Limits) -> tuple[float, float]:
    """(share of a taught class's further regions that are recognised, share of other kinds' that are taken for it)."""
    hits, alarms = [], []
    for examples, is_same, asked in episodes(samples):
        (taught,) = taught_classes(["taught"] * len(examples), points[examples], points[:0], limits)
        within = np.linalg.norm(points[asked] - taught.prototype, axis=1) < taught.reach
        hits.append(within[is_same])
        alarms.append(within[~is_same])
    return float(np.concatenate(hits).mean()), float(np.concatenate(alarms).mean())


def episodes(samples: KindSamples) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.intp]]]:
    """(four examples, which of the asked are of their kind, asked) of every line that has enough."""
    for line in np.unique(samples.lines):
        of_line = np.flatnonzero(samples.lines == line)
        kinds, counts = np.unique(samples.kinds[of_line], return_counts=True)
        if len(kinds) < 2 or counts.max() <= LEAST_EXAMPLES:
            continue
        is_first = samples.kinds[of_line] == kinds[counts.argmax()]
        examples = of_line[is_first][:LEAST_EXAMPLES]
        asked = np.setdiff1d(of_line, examples)
        yield examples, samples.kinds[asked] == kinds[counts.argmax()], asked
