"""What the sensor tags of a line show at any moment: the trace of the part that is nearest to its trigger."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from models.synth.sensor_trace import SAMPLE_HZ, WINDOW_S, SensorTrace

# A part's trace is squeezed into this share of the time between two parts, so that neighbours do not overlap.
_SHARE_OF_PERIOD: Final = 0.9
# About ten of them fall into a part's window. Fewer: with a late one among them they are too few to be judged (eight),
# the part is partial, and its line never learns. More: the plant writes tags instead of drawing parts.
_SAMPLES_PER_PART: Final = 12.0
_SLOWEST_HZ: Final = 20.0
# The last parts that can still be nearest: the one before, the present one, the next one, one in reserve.
_REMEMBERED: Final = 4


@dataclass(frozen=True, kw_only=True)
class _Planned:
    trigger_s: float
    traces: Mapping[str, SensorTrace]


class SensorPlayback:
    """Plays the traces of planned parts; where no part is near, an idle trace. Times are of a monotonic clock.

    A part's last value holds until the middle between two parts, so that no sample at the edge of its window, whatever
    the phase in which tags are sampled, shows a line that idles.
    """

    def __init__(self, *, rate_hz: float, idle: Mapping[str, SensorTrace]) -> None:
        self._scale = window_scale(rate_hz)
        self._idle = idle
        self._planned: deque[_Planned] = deque(maxlen=_REMEMBERED)

    def plan(self, trigger_s: float, traces: Mapping[str, SensorTrace]) -> None:
        """Announce a part that is triggered at ``trigger_s``, before its window begins (``window_half_s``)."""
        self._planned.append(_Planned(trigger_s=trigger_s, traces=traces))

    def values(self, now_s: float) -> dict[str, float]:
        """Value per tag at that moment."""
        nearest = min(self._planned, key=lambda part: abs(now_s - part.trigger_s), default=None)
        since_s = 0.0 if nearest is None else (now_s - nearest.trigger_s) / self._scale
        if nearest is None or abs(since_s) > WINDOW_S / 2 / _SHARE_OF_PERIOD:
            return {name: _sample(trace, now_s % WINDOW_S - WINDOW_S / 2) for name, trace in self._idle.items()}
        return {name: _sample(trace, since_s) for name, trace in nearest.traces.items()}


def window_scale(rate_hz: float) -> float:
    """How much shorter than drawn a part's trace is played: 1 up to 0.9 parts per second, less above."""
    return min(1.0, _SHARE_OF_PERIOD / (rate_hz * WINDOW_S))


def window_half_s(rate_hz: float) -> float:
    """Seconds before and after the trigger that belong to a part: what a connector should cut out."""
    return round(WINDOW_S / 2 * window_scale(rate_hz), 4)


def sample_hz(rate_hz: float) -> float:
    """How often the tags are written: what a slow PLC publishes, and more where that leaves a part too few values."""
    return max(_SLOWEST_HZ, _SAMPLES_PER_PART * rate_hz)


def _sample(trace: SensorTrace, since_s: float) -> float:
    index = round((since_s + WINDOW_S / 2) * SAMPLE_HZ)
    return float(trace.values[min(max(index, 0), len(trace.values) - 1)])
