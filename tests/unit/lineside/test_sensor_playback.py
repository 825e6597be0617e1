import numpy as np
import pytest

from lineside.plant.sensor_playback import SensorPlayback, sample_hz, window_half_s, window_scale
from models.synth.sensor_trace import SensorTrace

TIMES = np.arange(-0.5, 0.5, 0.02)


def ramp(offset: float) -> dict[str, SensorTrace]:
    """A trace whose value is the drawn time plus an offset, so that a value names its place."""
    return {"Speed": SensorTrace(unit="m/s", times_s=TIMES, values=TIMES + offset)}


def test_the_nearest_part_is_played_around_its_trigger() -> None:
    playback = SensorPlayback(rate_hz=0.5, idle=ramp(0))
    playback.plan(100.0, ramp(10))
    playback.plan(102.0, ramp(20))

    assert playback.values(100.0)["Speed"] == pytest.approx(10.0)
    assert playback.values(100.3)["Speed"] == pytest.approx(10.3)
    assert playback.values(101.8)["Speed"] == pytest.approx(19.8)


def test_between_parts_the_line_idles() -> None:
    playback = SensorPlayback(rate_hz=0.5, idle=ramp(0))
    playback.plan(100.0, ramp(10))

    assert -0.5 <= playback.values(100.9)["Speed"] <= 0.5


def test_at_high_rates_a_whole_trace_fits_between_two_parts() -> None:
    playback = SensorPlayback(rate_hz=10.0, idle=ramp(0))
    playback.plan(100.0, ramp(10))

    assert window_scale(10.0) == pytest.approx(0.09)
    assert window_half_s(10.0) == pytest.approx(0.045)
    assert playback.values(100.0449)["Speed"] == pytest.approx(10.48)  # the trace's last value
    assert sample_hz(1.0) == 20.0
    # Twelve a part, of which nine tenths lie in its window: more than the eight that can be judged.
    assert sample_hz(10.0) == 120.0


@pytest.mark.parametrize("rate_hz", [1.0, 2.0, 20.0])
def test_a_sample_on_the_edge_of_a_window_shows_its_part_and_not_an_idle_line(rate_hz: float) -> None:
    playback = SensorPlayback(rate_hz=rate_hz, idle=ramp(50))
    for part in range(3):
        playback.plan(100.0 + part / rate_hz, ramp(part))
    half_s, late_s = window_half_s(rate_hz), 0.02 / rate_hz

    assert playback.values(100 + 1 / rate_hz - half_s - late_s)["Speed"] == pytest.approx(1 - 0.5)
    assert playback.values(100 + 1 / rate_hz + half_s + late_s)["Speed"] == pytest.approx(1 + 0.48)
