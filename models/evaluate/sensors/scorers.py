"""What can learn the normal beginning of a series and score its later rows: the product's memory, and a baseline."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.evaluate.sensors.series import Series
from models.evaluate.sensors.windows import window_at
from models.memory.calibration import calibrate, normal_threshold
from models.memory.sensor_memory import SensorSettings, build_sensor_memory

_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """Score per tested row (R,), and the threshold at the stated rate."""

    scores: NDArray[np.float64]
    threshold: float


class Scorer(Protocol):
    """Learns from the ``learned`` rows (N,) and scores ``rows`` (R,), each from itself and earlier rows only."""

    @property
    def name(self) -> str:
        """Its row in the table."""
        ...

    def score(self, series: Series, learned: NDArray[np.bool_], rows: NDArray[np.intp], rate: float) -> Scored:
        """``rate``: the stated share of normal rows that may alarm."""
        ...


@dataclass(frozen=True, kw_only=True)
class MemoryScorer:
    """``SensorMemory`` on windows of ``window_s`` seconds; references every half window."""

    settings: SensorSettings
    window_s: float

    @property
    def name(self) -> str:
        """See ``Scorer``."""
        return "sensor memory"

    def references(self, series: Series, learned: NDArray[np.bool_]) -> list[int]:
        """Last rows of windows that lie in learned rows throughout, every half window."""
        times = series.times_s
        ends = np.arange(times[0] + self.window_s, times[-1] + 1e-9, self.window_s / 2)
        lasts = np.unique(np.searchsorted(times, ends, side="right") - 1)
        firsts = np.searchsorted(times, times[lasts] - self.window_s, side="right")
        unlearned = np.concatenate([[0], np.cumsum(~learned)])
        return [int(last) for first, last in zip(firsts, lasts, strict=True) if unlearned[last + 1] == unlearned[first]]

    def score(self, series: Series, learned: NDArray[np.bool_], rows: NDArray[np.intp], rate: float) -> Scored:
        """See ``Scorer``. A row whose window has no good sample scores 0. ValueError with fewer than two references."""
        windows = [window_at(series, row, self.window_s) for row in self.references(series, learned)]
        memory, normal = build_sensor_memory(windows, self.settings)
        limit = normal_threshold(calibrate(normal), rate).value
        found = [memory.score(window_at(series, row, self.window_s)) for row in rows.tolist()]
        return Scored(scores=np.array([score or 0.0 for score in found]), threshold=limit)


@dataclass(frozen=True, kw_only=True)
class LargestZ:
    """The baseline that everybody knows: largest |z| of a row over the channels (or of ``channel`` alone)."""

    channel: str | None = None

    @property
    def name(self) -> str:
        """See ``Scorer``."""
        return "largest |z| of a row" if self.channel is None else f"|z| of {self.channel}"

    def score(self, series: Series, learned: NDArray[np.bool_], rows: NDArray[np.intp], rate: float) -> Scored:
        """See ``Scorer``. Hundreds of rows resolve the usual rates without extrapolation."""
        chosen = [k for k, name in enumerate(series.channels) if self.channel in (None, name)]
        normal = series.values[learned][:, chosen]
        centre = np.nanmedian(normal, axis=0)
        spread = np.maximum(_MAD_TO_SIGMA * np.nanmedian(np.abs(normal - centre), axis=0), 0.25 * np.nanstd(normal, 0))
        z = np.nan_to_num(np.abs(series.values[:, chosen] - centre) / np.maximum(spread, 1e-9)).max(axis=1)
        limit = normal_threshold(calibrate(z[learned].tolist()), rate).value
        return Scored(scores=z[rows], threshold=limit)
