"""A sensor channel's window as numbers: robust level, spread, steps and spectrum; only samples with status Good."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wire.sensor_window import SensorChannel

FEATURES: Final = ("level", "spread", "range", "peak", "step", "low", "middle", "high")

# Fewer good samples give no spectrum and no robust spread worth the name.
MIN_SAMPLES = 8
_MAD_TO_SIGMA = 1.4826


def channel_features(channel: SensorChannel) -> NDArray[np.float64] | None:
    """(8,) in the order of ``FEATURES``, None with fewer than ``MIN_SAMPLES`` good samples.

    level median · spread MAD as sigma · range 5..95 % · peak largest distance from the median · step largest jump ·
    low, middle, high: root of the power in thirds of the spectrum up to half the median sampling rate. All in the
    channel's unit, so that one floor serves them all.
    """
    times, values = channel.good()
    if len(values) < MIN_SAMPLES:
        return None
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    level = float(np.median(values))
    off = np.abs(values - level)
    low, high = np.percentile(values, (5, 95))
    steps = np.abs(np.diff(values))
    bands = _bands(times, values - level)
    return np.array([level, _MAD_TO_SIGMA * np.median(off), high - low, off.max(), steps.max(), *bands])


def _bands(times: NDArray[np.float64], values: NDArray[np.float64]) -> list[float]:
    step = float(np.median(np.diff(times)))
    if step <= 0:
        return [0.0, 0.0, 0.0]
    # Source times jitter; the spectrum needs an even grid, which linear interpolation gives without inventing peaks.
    grid = np.arange(times[0], times[-1] + step / 2, step)
    even = np.interp(grid, times, values)
    power = np.abs(np.fft.rfft((even - even.mean()) * np.hanning(len(even)))) ** 2 / len(even) ** 2
    return [float(np.sqrt(band.sum())) for band in np.array_split(power[1:], 3)]
