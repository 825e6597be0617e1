"""Sensor channels around one drawn part, good or faulty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.synth.defect import DefectKind, DefectSpec
from models.synth.setting import SensorSetPoint

# A PLC publishes process values every 20 ms at best; the window of a part is one second of them.
SAMPLE_HZ = 50.0
WINDOW_S = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class SensorTrace:
    """One channel: ``values[i]`` is taken ``times_s[i]`` seconds after the trigger, both (N,) float64."""

    unit: str
    times_s: NDArray[np.float64]
    values: NDArray[np.float64]


def draw_traces(
    sensors: Sequence[SensorSetPoint],
    rng: np.random.Generator,
    faults: Sequence[DefectSpec],
    fault_rng: np.random.Generator,
) -> dict[str, SensorTrace]:
    """Every channel, over [-0.5 s, +0.5 s) around the trigger; ``faults`` of the kinds that only a sensor notices."""
    times = np.arange(-WINDOW_S / 2, WINDOW_S / 2, 1 / SAMPLE_HZ)
    traces = {}
    for sensor in sensors:
        level = sensor.level + sensor.spread * rng.standard_normal()
        tone = sensor.tone * (1 + 0.1 * rng.standard_normal())
        phase = rng.uniform(0, 2 * math.pi)
        values = level + tone * np.sin(2 * math.pi * sensor.tone_hz * times + phase)
        values += sensor.noise * rng.standard_normal(times.size)
        for fault in faults:
            if fault.kind == sensor.name.lower():
                values += _fault(fault, times, fault_rng)
        traces[sensor.name] = SensorTrace(unit=sensor.unit, times_s=times, values=values)
    return traces


def _fault(fault: DefectSpec, times: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    if fault.kind is DefectKind.TEMPERATURE:
        return np.full(times.size, 2.0 * fault.visibility)  # a visibility of 1 is five times the spread of good parts
    centre = rng.uniform(-0.3, 0.3)
    envelope = np.exp(-(((times - centre) / 0.08) ** 2))
    return np.asarray(1.5 * fault.visibility * envelope * np.sin(2 * math.pi * 19.0 * times))
