"""A line's good windows as numbers that can be compared, and the operating state that each was taken in."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.backbones.sensor_features import RATIOS, SIGNED, SIZES
from models.memory.normal_states import Labels, states_of
from models.memory.robust_statistics import centre_of

Table = NDArray[np.float64]

# Sizes and ratios are compared as logarithms: tens of samples tell them to 5 % at best.
_LEAST_LOG_SPREAD = 0.05
# Spectrum and knocks tell states. The rest are order statistics, which take few values where a sensor resolves few (the
# steps of a pump's pressure parted most of its good windows into states that were none), and a level has its own bank.
_OF_STATES = slice(6, 14)


@dataclass(frozen=True, kw_only=True, eq=False)
class NormalWindows:
    """Good windows made comparable. values (N, C, F), NaN = unknown; added, least (C, F); states (N,)."""

    values: NDArray[np.float64]
    added: Table
    least: Table
    states: Labels

    @classmethod
    def of(cls, tables: NDArray[np.float64], relative_floor: float, blocks: Labels) -> Self:
        """From features (N, C, F) and the block of time of each window (N,)."""
        typical = np.nan_to_num(centre_of(np.abs(tables)))
        floor = np.maximum(relative_floor * np.maximum(typical[:, 0], typical[:, 3]), 1e-9)[:, None]  # (C, 1)
        added = np.zeros(tables.shape[1:])
        added[:, SIZES] = floor
        least = np.full_like(added, _LEAST_LOG_SPREAD)
        least[:, SIGNED] = floor
        values = comparable(tables, added)
        told = values[:, :, _OF_STATES]  # (N, C, 8)
        states = states_of(told.reshape(len(told), least[:, _OF_STATES].size), least[:, _OF_STATES].ravel(), blocks)
        return cls(values=values, added=added, least=least, states=states)

    def only(self, chosen: NDArray[np.bool_]) -> "NormalWindows":
        """Some of them, in the states that all of them told."""
        return NormalWindows(values=self.values[chosen], added=self.added, least=self.least, states=self.states[chosen])


def comparable(tables: NDArray[np.float64], added: Table) -> NDArray[np.float64]:
    """Signed features as they are, sizes and ratios as logarithms, whose spread is alike on both sides."""
    found = tables.copy()
    for logarithmic in (SIZES, RATIOS):
        found[..., logarithmic] = np.log(np.maximum(tables[..., logarithmic] + added[..., logarithmic], 1e-12))
    return found
