"""Classes that people teach by examples: a mean, and how far from it a region still belongs to the class."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
# With three, the spread rests on two independent differences: the reach would be a guess.
LEAST_EXAMPLES = 4
# Of four left-out examples, the furthest lies beyond a fifth one in four of five cases; half as much again keeps
# nineteen of twenty.
_BEYOND_EXAMPLES = 1.5
# e^-3: of the regions at the mean of a class, one in twenty is something else.
_STEEPNESS = 3.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Distances in the metric, learned from drawn lines: a class reaches at least ``least`` and at most ``most``.

    ``least``: half the usual distance within a kind, so that four copies of one picture make no class without reach;
    ``most``: nearer than nine of ten regions of another kind on the same line.
    """

    least: float
    most: float


@dataclass(frozen=True, kw_only=True, eq=False)
class TaughtClass:
    """``prototype`` (M,): mean of the examples; a region within ``reach`` of it is one of them."""

    name: str
    prototype: Points
    reach: float


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """The class a region was found to belong to: probability 1/2 at its reach, nearly 1 at its mean."""

    name: str
    probability: float


def taught_classes(names: Sequence[str], points: Points, others: Points, limits: Limits) -> list[TaughtClass]:
    """Classes with at least ``LEAST_EXAMPLES`` of ``points`` (E, M), by name; names[i] is the class of points[i].

    A class stays clear of examples of other classes and of ``others`` (O, M), good surfaces: it ends half way between
    its own furthest example and the nearest of those.
    """
    classes = []
    for name in sorted(set(names)):
        is_own = np.array([each == name for each in names], np.bool_)
        own = points[is_own].astype(np.float64)
        if len(own) < LEAST_EXAMPLES:
            continue
        prototype = own.mean(axis=0)
        # Example i against the mean of the rest: (n x_i - sum) / (n - 1).
        spread = np.linalg.norm(own - prototype, axis=1).max() * len(own) / (len(own) - 1)
        reach = min(max(_BEYOND_EXAMPLES * float(spread), limits.least), limits.most)
        foreign = np.concatenate([points[~is_own], others]).astype(np.float64)
        if len(foreign):
            nearest = float(np.linalg.norm(foreign - prototype, axis=1).min())
            furthest_own = float(np.linalg.norm(own - prototype, axis=1).max())
            # Classes that overlap: nearer than any foreign example, at the price of some of its own.
            reach = min(reach, (furthest_own + nearest) / 2 if nearest > furthest_own else nearest)
        classes.append(TaughtClass(name=name, prototype=prototype.astype(np.float32), reach=reach))
    return classes


def adopt(point: Points, classes: Sequence[TaughtClass]) -> Adopted | None:
    """The class whose reach holds ``point`` (M,) most deeply; None if none does."""
    best: tuple[float, str] | None = None
    for each in classes:
        share = float(np.linalg.norm(point - each.prototype)) / max(each.reach, 1e-9)
        if share < 1 and (best is None or share < best[0]):
            best = (share, each.name)
    if best is None:
        return None
    # Logistic in the squared distance, as for two Gaussians of one spread.
    return Adopted(name=best[1], probability=round(1 / (1 + math.exp(-_STEEPNESS * (1 - best[0] ** 2))), 4))
