"""A window of sensor channels around one part, as captured: source times and status codes kept, nothing resampled."""

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from wire.json_message import Moment, Record

# OPC UA severity: the two highest bits of a status code; 00 = Good, 01 = Uncertain, 10 = Bad (Part 4, 7.39).
_SEVERITY_SHIFT = 30


class SensorChannel(Record):
    """One tag: ``values[i]`` came ``times_s[i]`` seconds after the trigger with OPC UA status ``statuses[i]``.

    ``times_s`` are the source's times; ``server_times_s`` the server's, NaN where it told none, empty in older windows.
    """

    name: str
    unit: str = ""
    times_s: tuple[float, ...]
    values: tuple[float, ...]
    statuses: tuple[int, ...]
    server_times_s: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _same_length(self) -> "SensorChannel":
        lengths = (len(self.times_s), len(self.values), len(self.statuses))
        if len({*lengths, len(self.server_times_s) or lengths[0]}) != 1:
            raise ValueError(f"channel {self.name!r} has {lengths} times, values and statuses")
        return self

    def good(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(times_s (N,), values (N,)) of the finite samples with status Good; the only ones that features may use."""
        statuses = np.asarray(self.statuses, dtype=np.uint32)
        values = np.asarray(self.values, dtype=np.float64)
        keep = (statuses >> _SEVERITY_SHIFT == 0) & np.isfinite(values)
        return np.asarray(self.times_s, dtype=np.float64)[keep], values[keep]


class SensorWindow(Record):
    """Payload of ``frame.sensor.v1``: channels in [trigger - before, trigger + after]; ``has_gap`` = link was lost."""

    triggered_at: Moment
    before_s: float
    after_s: float
    channels: tuple[SensorChannel, ...]
    has_gap: bool = False

    def channel(self, name: str) -> SensorChannel | None:
        """The channel called ``name``, None if the window has none."""
        return next((channel for channel in self.channels if channel.name == name), None)
