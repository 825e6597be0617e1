"""Curves thinned to what a chart can show."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluate.evaluator import Scores
from models.evaluate.metrics.ranking import Ranking

# Points along either axis: a chart of 300 px shows no more.
_POINTS: Final = 150
PRO_LIMIT: Final = 0.3

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Curves:
    """(x, y) points of one group of images; empty where a figure does not apply."""

    image_roc: Points = ()
    pixel_roc: Points = ()
    pixel_pr: Points = ()
    overlap: Points = ()


def curves_of(good: Scores, defect: Scores) -> Curves:
    """One kind of defect against the good images."""
    images = Ranking.of_scores(np.asarray(good.images, np.float64), np.asarray(defect.images, np.float64))
    together = good.pixels + defect.pixels
    pixels, overlap = together.ranking(), together.overlap()
    return Curves(
        image_roc=_roc(images, 1.0),
        pixel_roc=_roc(pixels, 1.0),
        pixel_pr=_thin(pixels.true_rate, pixels.precision) if pixels.has_both else (),
        overlap=_roc(overlap, PRO_LIMIT),
    )


def _roc(ranking: Ranking, limit: float) -> Points:
    if not ranking.has_both:
        return ()
    false, true = np.append(0.0, ranking.false_rate), np.append(0.0, ranking.true_rate)
    inside = int(np.searchsorted(false, limit, side="right"))
    at_limit = float(np.interp(limit, false, true))
    return (*_thin(false[:inside], true[:inside]), (limit, at_limit))


def _thin(x: NDArray[np.float64], y: NDArray[np.float64]) -> Points:
    """Every point whose step along x or y, from the start, passes another of ``_POINTS`` marks; always both ends."""
    steps = np.abs(np.diff(x, prepend=x[:1])) + np.abs(np.diff(y, prepend=y[:1]))
    marks = np.floor(np.cumsum(steps) * _POINTS)
    kept = np.flatnonzero(np.diff(marks, prepend=-1.0) > 0)
    places = sorted({0, *kept.tolist(), x.size - 1})
    return tuple((float(x[place]), float(y[place])) for place in places)
