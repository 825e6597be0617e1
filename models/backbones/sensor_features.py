"""A sensor channel's window as numbers: level, drift, size of motion, spectrum, knocks; from Good samples only."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.backbones.envelope import rhythm
from wire.sensor_window import SensorChannel

Signal = NDArray[np.float64]

FEATURES: Final = (
    "level", "drift", "spread", "range", "peak", "jump",
    "octave_1", "octave_2", "octave_3", "octave_4", "rest", "kurtosis", "crest", "rhythm",
)  # fmt: skip
# Signed, in the channel's unit.
SIGNED: Final = slice(0, 2)
# Sizes >= 0 in the channel's unit.
SIZES: Final = slice(2, 11)
# Ratios > 0 without a unit.
RATIOS: Final = slice(11, 14)

# Fewer good samples give no spectrum and no robust spread worth the name; a slow channel then still has its level.
MIN_SAMPLES: Final = 8
# The fourth moment of fewer is noise.
_MIN_FOR_SHAPE = 32
# Demodulation needs some tens of periods of what knocks; process values at 50 Hz never come near.
_MIN_FOR_RHYTHM = 1024
# Segments of the averaged spectrum: longer ones resolve nothing that octaves would show.
_SEGMENT = 4096
# A band narrower than this, in lines of the spectrum, is told by its neighbours.
_LEAST_LINES = 0.75
# A pause this many sampling steps long is a gap: neither a jump nor a wave runs across it.
_GAP_STEPS = 4.0
_MAD_TO_SIGMA = 1.4826


def channel_features(channel: SensorChannel) -> NDArray[np.float64] | None:
    """(14,) in the order of ``FEATURES``, NaN what its samples cannot tell; None without a single good sample.

    level median · drift median of the last third less that of the first · spread MAD as sigma · range 5..95 % · peak
    largest distance from the median · jump largest step between neighbours · octave_1.. root of the power in the
    octaves from half the median sampling rate down, rest below them · kurtosis, crest (peak over RMS) from 32 samples ·
    rhythm strongest line of the envelope over the median line, from 1024 samples. Channels may differ in rate.
    """
    times, values = channel.good()
    if len(values) == 0:
        return None
    if np.any(times[1:] < times[:-1]):
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    found = np.full(len(FEATURES), np.nan)
    found[0] = level = _median(np.sort(values))
    if len(values) >= MIN_SAMPLES:
        found[1] = _median_of_first_third(values[::-1]) - _median_of_first_third(values)
        found[2:5] = _sizes(values, level)
        found[5], run, step = _jump_and_longest_run(times, values)
        if step > 0 and len(run[0]) >= MIN_SAMPLES:
            even = _on_even_grid(*run, step)
            found[6:11] = _octaves(even)
            if len(even) >= _MIN_FOR_RHYTHM and found[2] > 0:
                found[13] = rhythm(even)
        if len(values) >= _MIN_FOR_SHAPE:
            found[11:13] = _shape(values)
    return found


def _median(ordered: Signal) -> float:
    count = len(ordered)
    return float(0.5 * (ordered[(count - 1) // 2] + ordered[count // 2]))


def _median_of_first_third(values: Signal) -> float:
    """The sample that the third ends within counts as far as it belongs to it, for the reason that octaves have."""
    third = len(values) / 3
    own = values[: math.ceil(third)]
    weights = np.minimum(third - np.arange(len(own)), 1.0)
    order = np.argsort(own, kind="stable")
    middles = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(third / 2, middles, own[order]))


def _sizes(values: Signal, level: float) -> tuple[float, float, float]:
    ordered = np.sort(values)
    off = np.sort(np.abs(values - level))
    last = len(values) - 1
    spanned = ordered[round(0.95 * last)] - ordered[round(0.05 * last)]
    return _MAD_TO_SIGMA * _median(off), float(spanned), float(off[-1])


def _jump_and_longest_run(times: Signal, values: Signal) -> tuple[float, tuple[Signal, Signal], float]:
    """(largest step between neighbours, longest run without a gap as (times, values), median sampling step in s)."""
    pauses, steps = np.diff(times), np.abs(np.diff(values))
    step = _median(np.sort(pauses))
    gaps = np.flatnonzero(pauses > _GAP_STEPS * step) if step > 0 else np.zeros(0, np.intp)
    if len(gaps) == 0:
        return float(steps.max()), (times, values), step
    bounds = np.concatenate([[0], gaps + 1, [len(times)]])
    longest = int(np.argmax(np.diff(bounds)))
    run = slice(bounds[longest], bounds[longest + 1])
    within = np.delete(steps, gaps)
    return float(within.max()) if len(within) else 0.0, (times[run], values[run]), step


def _on_even_grid(times: Signal, values: Signal, step: float) -> Signal:
    # Source times jitter; the spectrum needs an even grid, which linear interpolation gives without inventing peaks.
    grid = np.arange(times[0], times[-1] + step / 2, step)
    return np.asarray(np.interp(grid, times, values), np.float64)


def _octaves(even: Signal) -> Signal:
    """(5,) root of the power in four octaves below half the sampling rate and in the rest; NaN where no line falls.

    A line counts for two bands as far as it lies in each: counted whole, windows of 17 and 18 samples, which is a
    matter of when the trigger comes between two samples, would have different octaves.
    """
    segment = min(len(even), _SEGMENT)
    starts = range(0, len(even) - segment + 1, max(1, segment // 2))
    window = np.hanning(segment)
    power = np.zeros(segment // 2 + 1)
    for start in starts:
        part = even[start : start + segment]
        power += np.abs(np.fft.rfft((part - part.mean()) * window)) ** 2
    power /= len(starts) * segment**2
    power[0] = 0.0  # the level is another number
    # In lines: half the sampling rate, four times half of it, and where line 1 begins.
    edges = np.maximum([*(segment / 2 ** np.arange(1, 6)), 0.5], 0.5)
    below = np.interp(edges, np.arange(len(power)) + 0.5, np.cumsum(power))
    wide_enough = edges[:-1] - edges[1:] >= _LEAST_LINES
    return np.where(wide_enough, np.sqrt(np.maximum(below[:-1] - below[1:], 0)), np.nan)


def _shape(values: Signal) -> tuple[float, float]:
    """(kurtosis, crest factor), NaN of a constant: 3 and about 3 for noise, 1.5 and 1.4 for a sine, high for knocks."""
    square = (values - values.mean()) ** 2
    mean = float(square.mean())
    if mean <= 0:
        return float("nan"), float("nan")
    return float((square**2).mean()) / mean**2, float(np.sqrt(square.max() / mean))
