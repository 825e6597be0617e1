"""How well maps separate defects from good parts, in training: ranks over cells and images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Separation:
    """AUROC over the cells of each line, over the images of each line (highest cell), each averaged over lines."""

    cells: float
    images: float

    def __str__(self) -> str:
        return f"{self.cells:.3f} (cells) {self.images:.3f} (images)"


def measure(maps: Sequence[NDArray[np.float32]], masks: Sequence[NDArray[np.bool_]]) -> Separation:
    """maps, masks: (Q, h, w) per line. Lines with one label only are left out; NaN if none is left."""
    cells, images = [], []
    for own, mask in zip(maps, masks, strict=True):
        cells.append(auroc(own.ravel(), mask.ravel()))
        images.append(auroc(own.max(axis=(1, 2)), np.asarray(mask.any(axis=(1, 2)), np.bool_)))
    return Separation(cells=_mean(cells), images=_mean(images))


def auroc(scores: NDArray[np.float32], labels: NDArray[np.bool_]) -> float:
    """Chance that a positive of (N,) scores above a negative, ties counting half; NaN with one label only."""
    positives = int(labels.sum())
    if positives in (0, labels.size):
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # mean rank of ties, from 1
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * (labels.size - positives)))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
