"""The centre line of a mask: Zhang and Suen's thinning (CACM 27(3), 1984)."""

import numpy as np
from numpy.typing import NDArray


def skeleton(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) bool -> (H, W) bool, one pixel wide, connected like the mask."""
    thin = np.pad(mask, 1)
    while True:
        removed = _peel(thin, first=True) + _peel(thin, first=False)
        if not removed:
            return thin[1:-1, 1:-1].copy()


def junctions(thin: NDArray[np.bool_]) -> int:
    """How many places of a skeleton have three or more arms (neighbouring ones are one place)."""
    ring = _neighbours(np.pad(thin, 1))
    arms = _transitions(ring)
    places = thin & (arms >= 3)
    # A crossing of two lines yields up to four such pixels side by side.
    kept: list[NDArray[np.intp]] = []
    for at in np.argwhere(places):
        if all(np.abs(at - other).max() > 2 for other in kept):
            kept.append(at)
    return len(kept)


def _neighbours(padded: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(8, H, W): north, then clockwise."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    steps = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    return np.stack([padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in steps])


def _transitions(ring: NDArray[np.bool_]) -> NDArray[np.intp]:
    """How often the ring of neighbours goes from empty to set: the number of arms, (H, W)."""
    return np.asarray((~ring & np.roll(ring, -1, axis=0)).sum(axis=0))


def _peel(padded: NDArray[np.bool_], *, first: bool) -> int:
    ring = _neighbours(padded)
    north, _, east, _, south, _, west, _ = ring
    count = ring.sum(axis=0)
    if first:
        open_side = ~(north & east & south) & ~(east & south & west)
    else:
        open_side = ~(north & east & west) & ~(north & south & west)
    gone = padded[1:-1, 1:-1] & (count >= 2) & (count <= 6) & (_transitions(ring) == 1) & open_side
    padded[1:-1, 1:-1] &= ~gone
    return int(gone.sum())
