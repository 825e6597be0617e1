"""Sensor channels around one drawn part, good or faulty."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.synth.defect import DefectKind, DefectSpec
from models.synth.line_style import LineStyle

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
    style: LineStyle, rng: np.random.Generator, defect: DefectSpec | None, defect_rng: np.random.Generator
) -> dict[str, SensorTrace]:
    """Every channel of the style, over [-0.5 s, +0.5 s) around the trigger."""
    times = np.arange(-WINDOW_S / 2, WINDOW_S / 2, 1 / SAMPLE_HZ)
    traces = {}
    for sensor in style.sensors:
        level = sensor.level + sensor.spread * rng.standard_normal()
        tone = sensor.tone * (1 + 0.1 * rng.standard_normal())
        phase = rng.uniform(0, 2 * math.pi)
        values = level + tone * np.sin(2 * math.pi * sensor.tone_hz * times + phase)
        values += sensor.noise * rng.standard_normal(times.size)
        if defect is not None and defect.kind == sensor.name.lower():
            values += _fault(defect, times, defect_rng)
        traces[sensor.name] = SensorTrace(unit=sensor.unit, times_s=times, values=values)
    return traces


def _fault(defect: DefectSpec, times: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    if defect.kind is DefectKind.TEMPERATURE:
        return np.full(times.size, 8.0 * defect.severity)  # 20 times the spread from part to part
    centre = rng.uniform(-0.3, 0.3)
    envelope = np.exp(-(((times - centre) / 0.08) ** 2))
    return np.asarray(6.0 * defect.severity * envelope * np.sin(2 * math.pi * 19.0 * times))
