"""Which good windows were taken in the same operating state of a machine: fan off, fan on, fan at full speed."""

import warnings

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Labels = NDArray[np.intp]

# Windows on either side of a gap: with fewer, two clumps arise by chance in one of some hundred features.
_FEWEST_WINDOWS = 6
# Width of a gap, in standard deviations of the windows next to it (on its wider side), an eighth of all: beyond those
# may lie further states. Of windows in one state, with 64 independent numbers, the widest gap exceeds 8 in one of a
# hundred cases (24 or 100 windows) to one of twelve (48), whether normal, uniform or with heavy tails.
_LEAST_GAP = 8.0
# More states than that would each have too few windows to tell their spreads; a drift that is none never gets there.
_MOST_STATES = 8


def states_of(values: Values, least: Values, blocks: Labels) -> Labels:
    """State of each window, 0.. in the order of their first windows; all 0 where there is one cloud.

    values (N, D) in order of time, NaN = unknown; ``least`` (D,): a smaller spread is not believed; ``blocks`` (N,):
    block of time. A group of windows is parted where some number leaves a wide gap, if the machine has been seen to go
    from one side to the other and back, and either side in two blocks: what changes once may as well have warmed up,
    what comes in one block alone is an event, and a slow drift has no gap.
    """
    waiting, found = [np.arange(len(values))], list[Labels]()
    while waiting:
        group = waiting.pop()
        sides = _sides(values[group], least) if len(waiting) + len(found) + 2 <= _MOST_STATES else None
        if sides is not None and _recurs(sides, blocks[group]):
            waiting += [group[sides], group[~sides]]
        else:
            found.append(group)
    labels = np.zeros(len(values), np.intp)
    for state, group in enumerate(sorted(found, key=lambda each: each[:1].tolist())):
        labels[group] = state
    return labels


def _recurs(sides: NDArray[np.bool_], blocks: Labels) -> bool:
    if np.count_nonzero(sides[1:] != sides[:-1]) < 2:
        return False
    return all(len(np.unique(blocks[side])) >= 2 for side in (sides, ~sides))


def _sides(values: Values, least: Values) -> NDArray[np.bool_] | None:
    """(n,) which windows lie above the widest gap of any number; None if no gap is wide enough."""
    count = len(values)
    if count < 2 * _FEWEST_WINDOWS:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a number that no window has parts none
        common = np.nan_to_num(np.nanquantile(values, 0.5, axis=0, method="lower"))
    known = np.where(np.isfinite(values), values, common) - common
    ordered = np.sort(known, axis=0)
    near = max(_FEWEST_WINDOWS, count // _MOST_STATES)
    below = np.arange(_FEWEST_WINDOWS, count - _FEWEST_WINDOWS + 1)  # (K,) windows below the gap
    spread = np.maximum(
        _deviation(ordered, np.maximum(below - near, 0), below),
        _deviation(ordered, below, np.minimum(below + near, count)),
    )
    gaps = (ordered[below] - ordered[below - 1]) / np.maximum(spread, least)  # (K, D)
    place, number = np.unravel_index(int(gaps.argmax()), gaps.shape)
    if gaps[place, number] < _LEAST_GAP:
        return None
    return np.asarray(known[:, number] > ordered[below[place] - 1, number])


def _deviation(ordered: Values, begin: Labels, end: Labels) -> Values:
    """Standard deviation (K, D) of the rows ``begin`` .. ``end`` (K,) of (n, D)."""
    nothing = np.zeros((1, ordered.shape[1]))
    sums, squares = (np.concatenate([nothing, np.cumsum(each, axis=0)]) for each in (ordered, ordered**2))
    count = (end - begin)[:, None]
    variance = squares[end] - squares[begin] - (sums[end] - sums[begin]) ** 2 / count
    return np.asarray(np.sqrt(np.maximum(variance, 0) / (count - 1)))
