"""Which rows of a series are learned, and which are tested."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.evaluate.sensors.series import Series

# Blocks of the alternating split, in windows: short against drift, long against what is lost at their borders.
_BLOCK_WINDOWS = 6


class Split(StrEnum):
    """BEGINNING: as in life, learn first, then watch; what drifts away from the beginning alarms, and counts as false.

    ALTERNATE: of the normal rows every second block is learned and the rest tested, so that learned and tested normals
    are alike: here, and only here, the stated rate of false alarms can be held to its word.
    """

    BEGINNING = "beginning"
    ALTERNATE = "alternate"


def learned_and_tested(
    series: Series, split: Split, learned_rows: int, window_s: float
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """(learned rows (N,) bool, tested rows (R,) rising): never both, and nothing learned within a window of an event.

    BEGINNING learns the first ``learned_rows``, less where an event comes earlier; all rows after them are tested.
    """
    count = len(series.times_s)
    places = np.arange(count)
    if split is Split.BEGINNING:
        first_event = series.events[0][0] if series.events else count
        return places < min(learned_rows, first_event), places[learned_rows:]
    block = ((series.times_s - series.times_s[0]) // (_BLOCK_WINDOWS * window_s)).astype(np.intp)
    learned = (block % 2 == 0) & ~series.anomalous
    tested = block % 2 == 1
    for start, end in series.events:
        near = (series.times_s > series.times_s[start] - window_s) & (
            series.times_s < series.times_s[end - 1] + window_s
        )
        learned &= ~near
        tested[start:end] = True
    # The first windows of a tested block reach back into a learned one.
    since = np.flatnonzero(np.diff(tested.astype(np.int8)) == 1) + 1
    for start in since.tolist():
        tested &= ~((series.times_s >= series.times_s[start]) & (series.times_s < series.times_s[start] + window_s))
    tested |= series.anomalous
    return learned & ~tested, places[tested]
