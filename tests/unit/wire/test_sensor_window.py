"""Sensor windows: nothing is resampled, and only good samples reach the features."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import DecodeError
from wire.sensor_window import SensorChannel, SensorWindow

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
samples = st.lists(st.tuples(st.floats(-10, 10), st.floats(allow_nan=False), st.integers(0, 2**32 - 1)), max_size=5)


@given(samples, st.booleans())
def test_a_window_survives_its_json(drawn: list[tuple[float, float, int]], has_gap: bool) -> None:
    times, values, statuses = (tuple(column) for column in zip(*drawn, strict=True)) if drawn else ((), (), ())
    channel = SensorChannel(name="Vibration", unit="mm/s", times_s=times, values=values, statuses=statuses)
    window = SensorWindow(triggered_at=NOON, before_s=1.0, after_s=0.5, channels=(channel,), has_gap=has_gap)
    assert SensorWindow.from_json(window.to_json()) == window


def test_only_good_and_finite_samples_are_good() -> None:
    channel = SensorChannel(
        name="Temperature",
        times_s=(-0.2, -0.1, 0.0, 0.1, 0.2),
        values=(20.0, 21.0, float("nan"), 23.0, 24.0),
        # Good, UncertainInitialValue, Good, BadSensorFailure, GoodClamped
        statuses=(0x00000000, 0x40920000, 0x00000000, 0x808C0000, 0x00300000),
    )
    times_s, values = channel.good()
    assert (times_s.tolist(), values.tolist()) == ([-0.2, 0.2], [20.0, 24.0])
    assert times_s.dtype == values.dtype == np.float64


def test_a_channel_is_found_by_its_name() -> None:
    speed = SensorChannel(name="Speed", times_s=(), values=(), statuses=())
    window = SensorWindow(triggered_at=NOON, before_s=1.0, after_s=0.5, channels=(speed,))
    assert window.channel("Speed") is speed
    assert window.channel("Pressure") is None


def test_columns_of_different_lengths_are_a_decode_error() -> None:
    text = '{"Name": "Speed", "TimesS": [0.0, 0.1], "Values": [1.0], "Statuses": [0]}'
    with pytest.raises(DecodeError, match=r"json: .*channel 'Speed' has \(2, 1, 1\) times, values and statuses"):
        SensorChannel.from_json(text)
