"""The virtual plant's sensor windows, as a connector cuts them out, before the detector that learns from them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import binom

from lineside.plant.sensor_playback import SensorPlayback, sample_hz, window_half_s
from models.memory.calibration import calibrate, normal_threshold
from models.memory.sensor_memory import SensorMemory, SensorSettings, build_sensor_memory
from models.synth.defect import DefectKind, DefectSpec
from models.synth.line import draw_line
from models.synth.sensor_trace import draw_traces
from wire.sensor_window import SensorChannel, SensorWindow

SETTINGS = SensorSettings(relative_floor=0.01, zero_shot_sigma=None)  # as recipe embedded has them
RATE_HZ = 1.0  # parts per second, as `lineside up`
STATED = 0.01
START = datetime(2026, 1, 1, tzinfo=UTC)


class Cell:
    """A line's sensors over one part: neighbours before and after it, tags sampled in the plant's own rhythm.

    ``phase``: of the tags' rhythm against the trigger, 0..1. Its parts come at a steady rate, so it stays for minutes;
    after a stop it is another one. ``busy``: samples come late by 8 ms on average, and of every seventh window up to a
    quarter of a second is missing.
    """

    def __init__(self, seed: int, *, busy: bool) -> None:
        self._sensors = draw_line(seed).sensors
        self._rng = np.random.default_rng([seed, 1])
        self._busy = busy
        self._parts = 0
        self.phase = 0.0

    def window(self, *defects: DefectSpec) -> SensorWindow:
        before, own, after = (self._traces(given) for given in ((), defects, ()))
        playback = SensorPlayback(rate_hz=RATE_HZ, idle=self._traces(()))
        for trigger_s, traces in zip((-1 / RATE_HZ, 0.0, 1 / RATE_HZ), (before, own, after), strict=True):
            playback.plan(trigger_s, traces)
        times = self._times()
        samples = [playback.values(at_s) for at_s in times]
        self._parts += 1
        return SensorWindow(
            triggered_at=START + timedelta(seconds=self._parts / RATE_HZ),
            before_s=window_half_s(RATE_HZ),
            after_s=window_half_s(RATE_HZ),
            channels=tuple(
                SensorChannel(
                    name=name, times_s=times, values=tuple(one[name] for one in samples), statuses=(0,) * len(times)
                )
                for name in samples[0]
            ),
        )

    def _traces(self, defects: Sequence[DefectSpec]):
        return draw_traces(self._sensors, self._rng, defects, self._rng)

    def _times(self) -> tuple[float, ...]:
        times = (np.arange(-20, 20) + self.phase) / sample_hz(RATE_HZ)
        if self._busy:
            times = np.sort(times + self._rng.exponential(0.008, len(times)))
            if self._rng.random() < 1 / 7:
                lost_s, half_s = self._rng.uniform(0.05, 0.25), window_half_s(RATE_HZ)
                begin_s = self._rng.uniform(-half_s, half_s - lost_s)
                times = times[(times < begin_s) | (times > begin_s + lost_s)]
        # In step with the trigger, 17 of them: the first and the last come some microseconds outside.
        return tuple(times[np.abs(times) < window_half_s(RATE_HZ) - 1e-5].tolist())


def learned(cell: Cell, references: int) -> tuple[SensorMemory, float]:
    memory, scores = build_sensor_memory([cell.window() for _ in range(references)], SETTINGS)
    return memory, normal_threshold(calibrate(scores), STATED).value


def share_above(threshold: float, memory: SensorMemory, windows: Sequence[SensorWindow]) -> float:
    scores = [memory.score(window) for window in windows]
    return float(np.mean([score is not None and score > threshold for score in scores]))


@pytest.mark.parametrize("busy", [False, True], ids=["on time", "busy, with gaps"])
@pytest.mark.parametrize("references", [16, 32])
def test_fresh_good_windows_are_flagged_at_the_stated_rate_and_what_only_sensors_notice_is_found(
    references: int, busy: bool
):
    lines, fresh = 30, 20
    flagged, hot, shaken = 0.0, [], []
    for seed in range(lines):
        cell = Cell(seed, busy=busy)
        cell.phase = (seed % 7) / 7
        memory, threshold = learned(cell, references)
        cell.phase = (seed % 11) / 11  # the line has stopped since
        flagged += fresh * share_above(threshold, memory, [cell.window() for _ in range(fresh)])
        for kind, found in ((DefectKind.TEMPERATURE, hot), (DefectKind.VIBRATION, shaken)):
            odd = [cell.window(DefectSpec(kind=kind, seed=k)) for k in range(4)]
            found.append(share_above(threshold, memory, odd))
    # As many as 600 windows at that rate give in 199 of 200 times.
    assert flagged <= binom.ppf(0.995, lines * fresh, STATED)
    assert np.mean(hot) == 1.0
    assert np.mean(shaken) > (0.75 if busy else 0.9)


def test_windows_of_17_samples_are_as_good_as_the_18_that_were_learned():
    """A busy moment moves the tags' rhythm against the triggers, for as long as parts come at a steady rate."""
    lines, fresh, flagged = 30, 20, 0.0
    for seed in range(lines):
        cell = Cell(seed, busy=False)
        cell.phase = 0.5
        assert len(cell.window().channels[0].times_s) == 18
        memory, threshold = learned(cell, 32)
        cell.phase = 0.0
        assert len(cell.window().channels[0].times_s) == 17
        flagged += fresh * share_above(threshold, memory, [cell.window() for _ in range(fresh)])
    # Twice the rate, since 32 references only extrapolate to 1 %; octaves of whole lines flagged 152.
    assert flagged <= binom.ppf(0.995, lines * fresh, 2 * STATED)
