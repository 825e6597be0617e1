"""Centre and spread of every feature of every channel in good windows."""

import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.backbones.sensor_features import RATIOS, SIGNED, SIZES

Table = NDArray[np.float64]

# Tukey's biweight lets go of what lies further from the median than this many median deviations; 9 is his own.
_BIWEIGHT_REACH = 9.0
# Sizes and ratios are compared as logarithms: tens of samples tell them to 5 % at best.
_LEAST_LOG_SPREAD = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class NormalShape:
    """values (C, 3, F): centre, spread (infinite where references tell too little), and what is added before a log."""

    values: NDArray[np.float64]

    @classmethod
    def of(cls, tables: NDArray[np.float64], relative_floor: float) -> Self:
        """From features (N, C, F), NaN = unknown. A feature counts if two windows, and half of them, know it."""
        count = len(tables)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # an all-NaN feature is one that is not judged
            level = np.nanmedian(np.abs(tables[:, :, 0]), axis=0)
            motion = np.nan_to_num(np.nanmedian(tables[:, :, 3], axis=0))
            floor = np.maximum(relative_floor * np.maximum(np.nan_to_num(level), motion), 1e-9)[:, None]  # (C, 1)
            added = np.zeros(tables.shape[1:])
            added[:, SIZES] = floor
            comparable = _comparable(tables, added)
            centre = np.nanmedian(comparable, axis=0)
            spread = _biweight_spread(comparable, centre)
            # Half of the references may agree by chance: never below a quarter of the standard deviation.
            spread = np.maximum(spread, 0.25 * np.nanstd(comparable, axis=0))
        least = np.full_like(centre, _LEAST_LOG_SPREAD)
        least[:, SIGNED] = floor
        known = np.isfinite(comparable).sum(axis=0) >= max(2, count / 2)
        return cls(
            values=np.stack(
                [np.where(known, centre, 0), np.where(known, np.maximum(spread, least), np.inf), added], axis=1
            )
        )

    def deviations(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Features (..., C, F) in sigma around their centre, NaN where unknown."""
        centre, spread, added = self.values.transpose(1, 0, 2)
        off = _comparable(table, added) - centre
        return np.asarray(np.where(np.isinf(spread), np.nan, off / spread))

    @staticmethod
    def largest(deviations: Table) -> float:
        """Largest |sigma| but for the level, 0 if none is known."""
        rest = np.abs(deviations[:, 1:])
        return float(np.max(rest, initial=0.0, where=np.isfinite(rest)))


def _biweight_spread(samples: NDArray[np.float64], centre: Table) -> Table:
    """Standard deviation (C, F) of samples (N, C, F) without their outliers, by Tukey's biweight; 0 if half agree.

    From 16 samples it is nearly as sure (20 %) as the median deviation is from 40, and as many may be outliers. What a
    spread is unsure of, the largest of many ratios to spreads finds: it is what good parts would be flagged for.
    """
    off = samples - centre
    mad = np.nanmedian(np.abs(off), axis=0)
    squares = np.minimum((off / (_BIWEIGHT_REACH * np.where(mad > 0, mad, np.inf))) ** 2, 1.0)
    above = np.nansum(off**2 * (1 - squares) ** 4, axis=0)
    below = np.nansum((1 - squares) * (1 - 5 * squares), axis=0)
    count = np.isfinite(samples).sum(axis=0)
    return np.where(mad > 0, np.sqrt(count * above) / np.maximum(np.abs(below), 1e-12), 0.0)


def _comparable(tables: NDArray[np.float64], added: Table) -> NDArray[np.float64]:
    """Signed features as they are, sizes and ratios as logarithms, whose spread is alike on both sides."""
    comparable = tables.copy()
    for logarithmic in (SIZES, RATIOS):
        comparable[..., logarithmic] = np.log(np.maximum(tables[..., logarithmic] + added[..., logarithmic], 1e-12))
    return comparable
