"""The envelope of a fast signal: how hard, and in what rhythm, something knocks."""

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

# Knocks ring at the structure's resonances, high above shaft and tooth frequencies: the upper 7/8 of the band.
_LOWEST_SHARE = 0.125
# Lines this near to zero are the window's own shape, not a rhythm.
_FIRST_LINE = 4


def envelope_spectrum(values: Signal, rate_hz: float) -> tuple[Signal, Signal]:
    """Evenly sampled (N,) -> (frequencies in Hz (K,), amplitude of the envelope (K,) in the signal's unit).

    The band above ``_LOWEST_SHARE`` of half the sampling rate is demodulated (Hilbert), as is usual for rolling
    bearings: an outer-race fault shows a line at the frequency at which balls pass it, an inner-race one at its own.
    """
    count = len(values)
    lines = np.fft.rfft(values - values.mean())
    analytic = np.zeros(count, np.complex128)
    lowest = max(1, int(_LOWEST_SHARE * len(lines)))
    analytic[lowest : len(lines)] = 2 * lines[lowest:]
    envelope = np.abs(np.fft.ifft(analytic))
    window = np.hanning(count)
    amplitude = 2 * np.abs(np.fft.rfft((envelope - envelope.mean()) * window)) / window.sum()
    return np.asarray(np.fft.rfftfreq(count, 1 / rate_hz)), np.asarray(amplitude, np.float64)


def rhythm(values: Signal) -> float:
    """The strongest line of the envelope over the median one: about 3 to 4 for noise, tens for regular knocks."""
    _, amplitude = envelope_spectrum(values, 1.0)
    lines = amplitude[_FIRST_LINE : len(amplitude) // 2]
    return float(lines.max() / max(float(np.median(lines)), 1e-12))
