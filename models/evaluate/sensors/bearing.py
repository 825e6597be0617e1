"""Vibration records of damaged bearings: what can be said without a record of a healthy one.

Two statements. *Physics*: the envelope's line at the frequency at which balls pass the damaged race stands out, and the
other race's does not. *Memory*: learn half of one record as normal; the other half of it must stay within the stated
rate, and another damage (or load) must not. Neither says how well damage is told from health.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.backbones.envelope import envelope_spectrum
from models.evaluate.metrics.ranking import Ranking
from models.memory.calibration import calibrate, normal_threshold
from models.memory.sensor_memory import SensorSettings, build_sensor_memory
from wire.errors import ConfigurationError
from wire.sensor_window import SensorChannel, SensorWindow

Signal = NDArray[np.float64]

# Balls passing a race per turn of the shaft, of the test rig's bearing (8 balls, ball / pitch diameter 0.235 / 1.245,
# contact angle 0): n / 2 (1 - d / D) and n / 2 (1 + d / D).
OUTER_PER_TURN: Final = 8 / 2 * (1 - 0.235 / 1.245)
INNER_PER_TURN: Final = 8 / 2 * (1 + 0.235 / 1.245)
_SLIP = 0.02  # balls slide a little: a line is looked for within this share of its frequency
_START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, eq=False)
class VibrationRecord:
    """values (N,) sampled at ``rate_hz``; the shaft turns ``shaft_hz`` times a second."""

    name: str
    values: Signal
    rate_hz: float
    shaft_hz: float
    load: float


class RaceLines(BaseModel):
    """The envelope's lines at the two races, each over the median line around it; noise gives about 2 to 3."""

    model_config = ConfigDict(frozen=True)

    record: str
    outer: float
    inner: float


class RecordAgainst(BaseModel):
    """``learned``: the record whose first half is normal. Of ``tested``, its second half if it is the same record."""

    model_config = ConfigDict(frozen=True)

    learned: str
    tested: str
    windows: int
    share_alarmed: float
    auroc: float | None


def read_records(root: Path) -> list[VibrationRecord]:
    """Every MATLAB file under ``root`` with a struct ``bearing`` (gs, sr, load, rate). ConfigurationError otherwise."""
    try:
        # Needed for this one format only, so that evaluating other series does without it.
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise ConfigurationError([f"{root}: MATLAB files need scipy, which the dev extra brings"]) from error
    records = []
    for file in sorted(root.rglob("*.mat")):
        try:
            bearing = loadmat(file, squeeze_me=True, struct_as_record=False)["bearing"]
            values = np.asarray(bearing.gs, np.float64)
        except (MatReadError, KeyError, AttributeError, ValueError, OSError) as error:
            raise ConfigurationError([f"{file}: no struct 'bearing' with gs, sr, load, rate ({error})"]) from error
        records.append(
            VibrationRecord(
                name=file.stem,
                values=values,
                rate_hz=float(bearing.sr),
                shaft_hz=float(bearing.rate),
                load=float(bearing.load),
            )
        )
    return records


def race_lines(record: VibrationRecord) -> RaceLines:
    """How far the two races' lines stand out of the envelope spectrum of the whole record."""
    frequencies, amplitude = envelope_spectrum(record.values, record.rate_hz)

    def prominence(per_turn: float) -> float:
        centre = per_turn * record.shaft_hz
        around = amplitude[np.abs(frequencies - centre) < 0.3 * centre]
        at = amplitude[np.abs(frequencies - centre) < _SLIP * centre]
        return float(at.max() / np.median(around))

    return RaceLines(record=record.name, outer=prominence(OUTER_PER_TURN), inner=prominence(INNER_PER_TURN))


def compare_records(
    records: list[VibrationRecord], settings: SensorSettings, *, window_s: float, rate: float
) -> list[RecordAgainst]:
    """Each record's first half learned as normal, against its own second half and every other record."""
    windows = {record.name: _windows(record, window_s) for record in records}
    found = []
    for learned in records:
        own = windows[learned.name]
        half = len(own) // 2
        memory, normal = build_sensor_memory(own[:half], settings)
        limit = normal_threshold(calibrate(normal), rate).value
        fresh = np.array([memory.score(window) or 0.0 for window in own[half:]])
        for tested in records:
            same = tested is learned
            scores = fresh if same else np.array([memory.score(window) or 0.0 for window in windows[tested.name]])
            found.append(
                RecordAgainst(
                    learned=learned.name,
                    tested=tested.name,
                    windows=len(scores),
                    share_alarmed=float(np.mean(scores > limit)),
                    auroc=None if same else Ranking.of_scores(fresh, scores).auroc(),
                )
            )
    return found


def _windows(record: VibrationRecord, window_s: float) -> list[SensorWindow]:
    length = int(window_s * record.rate_hz)
    times = tuple((np.arange(length) / record.rate_hz).tolist())
    return [
        SensorWindow(
            triggered_at=_START + timedelta(seconds=start / record.rate_hz),
            before_s=0.0,
            after_s=window_s,
            channels=(
                SensorChannel.model_construct(
                    name="vibration",
                    unit="g",
                    times_s=times,
                    values=tuple(record.values[start : start + length].tolist()),
                    statuses=(0,) * length,
                ),
            ),
        )
        for start in range(0, len(record.values) - length + 1, length)
    ]
