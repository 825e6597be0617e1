"""Scores counted in fine bins that keep their order: bounded memory, whatever the number of pixels.

A bin holds the scores that agree in sign, exponent and the first 14 bits of the fraction: at most 2^-14 of the score
wide (6e-5). Every figure made from such histograms is exact for scores rounded to 15 significant bits, and equal scores
stay equal.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Two bits more would take four times the memory (128 KiB per power of two that occurs); two fewer, ties that are none.
_FRACTION_BITS: Final = 14
_BINS: Final = 1 << _FRACTION_BITS
_SIGN: Final = np.uint32(0x8000_0000)

Weights = NDArray[np.float64]
_NOTHING: Final[Weights] = np.zeros(_BINS)


class ScoreHistogram:
    """Weight per bin, kept in blocks of one power of two each."""

    def __init__(self) -> None:
        self._blocks: dict[int, Weights] = {}

    def add(self, scores: NDArray[np.float32], weights: Weights | None = None) -> None:
        """Count ``scores`` (any shape), each by 1 or by its weight. ValueError if one is not finite."""
        flat = np.ascontiguousarray(scores, np.float32).reshape(-1)
        if not np.isfinite(flat).all():
            raise ValueError(f"{int((~np.isfinite(flat)).sum())} of {flat.size} scores are not finite")
        codes = _ordered_codes(flat)
        octaves = codes >> _FRACTION_BITS
        own = None if weights is None else np.ascontiguousarray(weights, np.float64).reshape(-1)
        for octave in np.unique(octaves):
            here = octaves == octave
            counts = np.bincount(codes[here] & (_BINS - 1), None if own is None else own[here], minlength=_BINS)
            block = self._blocks.get(int(octave))
            self._blocks[int(octave)] = counts.astype(np.float64) if block is None else block + counts

    def __add__(self, other: "ScoreHistogram") -> "ScoreHistogram":
        total = ScoreHistogram()
        total._blocks = {octave: self.block(octave) + other.block(octave) for octave in self.octaves | other.octaves}
        return total

    @property
    def octaves(self) -> frozenset[int]:
        """Codes of the powers of two (with sign) in which a score lies; a larger code means larger scores."""
        return frozenset(self._blocks)

    def block(self, octave: int) -> Weights:
        """Weight per bin of one power of two, (2^14,); zeros where no score lies."""
        return self._blocks.get(octave, _NOTHING)

    @property
    def total(self) -> float:
        """The sum of all weights."""
        return float(sum(block.sum() for block in self._blocks.values()))

    def quantile(self, share: float) -> float:
        """The lower edge of the bin below which ``share`` of the weight lies; ValueError if nothing was counted."""
        values, (weights,) = falling_bins([self])
        if not values.size:
            raise ValueError("no scores")
        rising = np.cumsum(weights[::-1])
        return float(values[::-1][min(int(np.searchsorted(rising, share * rising[-1])), values.size - 1)])


def falling_bins(histograms: Sequence[ScoreHistogram]) -> tuple[NDArray[np.float32], list[Weights]]:
    """Bins that hold anything in one of ``histograms``: (lower edges (n,) falling, weights (n,) per histogram)."""
    octaves = sorted({octave for histogram in histograms for octave in histogram.octaves}, reverse=True)
    edges: list[NDArray[np.float32]] = []
    columns: list[list[Weights]] = [[] for _ in histograms]
    for octave in octaves:
        blocks = [histogram.block(octave) for histogram in histograms]
        used = np.flatnonzero(np.any(np.stack(blocks) != 0, axis=0))[::-1]
        edges.append(_scores_of((octave << _FRACTION_BITS) + used))
        for column, block in zip(columns, blocks, strict=True):
            column.append(block[used])
    if not octaves:
        return np.zeros(0, np.float32), [np.zeros(0) for _ in histograms]
    return np.concatenate(edges), [np.concatenate(column) for column in columns]


def binned(edges: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which bins may hold different scores: all but that of zero, where maps that are cut off have true ties."""
    return np.asarray(edges != 0)


def _ordered_codes(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Float32 to integers of the same order (IEEE 754), cut to the bins' precision; -0 counts as 0."""
    bits = (scores + np.float32(0)).view(np.uint32)
    ordered = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    return (ordered >> np.uint32(23 - _FRACTION_BITS)).astype(np.int64)


def _scores_of(codes: NDArray[np.int64]) -> NDArray[np.float32]:
    ordered = (codes.astype(np.uint64) << np.uint64(23 - _FRACTION_BITS)).astype(np.uint32)
    bits = np.where(ordered & _SIGN, ordered & ~_SIGN, ~ordered)
    return bits.astype(np.uint32).view(np.float32)
