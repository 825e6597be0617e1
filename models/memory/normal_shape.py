"""Centre and spread of every feature of every channel in good windows, in each operating state of the machine."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.memory.normal_windows import NormalWindows, Table, comparable
from models.memory.robust_statistics import centre_of, spread_of

# A state's spread counts as its number of windows, that of all states together as this many: from fewer windows of its
# own a spread is less sure than the difference between two states is large.
_SHARED_WINDOWS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class NormalShape:
    """values (S, C, 3, F): centre, spread (infinite where windows tell too little), and what is added before a log.

    The level (feature 0) has one centre and one spread in all states: it is compared with single windows.
    """

    values: NDArray[np.float64]

    @classmethod
    def of(cls, windows: NormalWindows) -> Self:
        """A feature counts if two windows, and half of them, know it; what a state tells too little of, all tell."""
        values, states = windows.values, windows.states
        centre, spread = centre_of(values), spread_of(values)
        groups = [values[states == state] for state in np.unique(states)] or [values]
        within = np.concatenate([group - centre_of(group) for group in groups])
        shared = spread_of(within)
        tables = []
        for group in groups:
            count = len(group)
            mixed = np.sqrt((count * spread_of(group) ** 2 + _SHARED_WINDOWS * shared**2) / (count + _SHARED_WINDOWS))
            told = np.isfinite(group).sum(axis=0) >= max(1, count / 2)
            tables.append(np.stack([np.where(told, centre_of(group), centre), np.where(told, mixed, spread)], axis=1))
        found = np.stack(tables)
        found[:, :, 0, 0], found[:, :, 1, 0] = centre[:, 0], shared[:, 0]
        known = np.isfinite(values).sum(axis=0) >= max(2, len(values) / 2)
        found[:, :, 0] = np.where(known, found[:, :, 0], 0)
        found[:, :, 1] = np.where(known, np.maximum(found[:, :, 1], windows.least), np.inf)
        added = np.broadcast_to(windows.added[:, None], (len(groups), len(centre), 1, windows.added.shape[1]))
        return cls(values=np.concatenate([found, added], axis=2))

    def deviations(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Features (C, F) in sigma around their centre in each state (S, C, F), NaN where unknown."""
        centre, spread, added = self.values.transpose(2, 0, 1, 3)
        off = comparable(np.broadcast_to(table, centre.shape), added) - centre
        return np.asarray(np.where(np.isinf(spread), np.nan, off / spread))

    def levels(self, windows: NormalWindows) -> tuple[Table, Table]:
        """(N, C) each: levels of the windows that this was made of, in sigma of all, and around their own state's."""
        levels = windows.values[:, :, 0]
        centre, spread, _ = self.values[0, :, :, 0].T
        within = levels.copy()
        for state in np.unique(windows.states):
            within[windows.states == state] -= centre_of(levels[windows.states == state])
        return (levels - centre) / spread, within / spread

    @staticmethod
    def largest(deviations: Table) -> float:
        """Largest |sigma| but for the level in the state where that is least, 0 if none is known."""
        rest = np.abs(deviations[:, :, 1:])
        return float(np.max(rest, axis=(1, 2), initial=0.0, where=np.isfinite(rest)).min())
