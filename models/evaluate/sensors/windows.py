"""Rows of a series as the sensor windows that a connector would send."""

from datetime import UTC, datetime, timedelta

import numpy as np

from models.evaluate.sensors.series import Series
from wire.sensor_window import SensorChannel, SensorWindow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def window_at(series: Series, row: int, window_s: float) -> SensorWindow:
    """The ``window_s`` seconds that end with ``row`` (it included), triggered at its time; empty cells are left out."""
    end = float(series.times_s[row])
    first = int(np.searchsorted(series.times_s, end - window_s, side="right"))
    times = series.times_s[first : row + 1] - end
    channels = []
    for name, values in zip(series.channels, series.values[first : row + 1].T, strict=True):
        known = np.isfinite(values)
        count = int(known.sum())
        channels.append(
            SensorChannel.model_construct(
                name=name,
                unit="",
                times_s=tuple(times[known].tolist()),
                values=tuple(values[known].tolist()),
                statuses=(0,) * count,
            )
        )
    return SensorWindow(
        triggered_at=_EPOCH + timedelta(seconds=end), before_s=window_s, after_s=0.0, channels=tuple(channels)
    )
