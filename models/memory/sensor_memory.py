"""The memory of a line's sensor windows: a bank of normal levels and, per channel, the normal shape of a window.

A window is compared twice. *Level*: the channels' medians together against the nearest window of the bank, in units in
which normal channels that move together are one direction (a pump's current that rises without its pressure is odd,
though each alone is not). *Shape*: the largest |robust z| of everything else (drift, size, spectrum, knocks) over all
channels, in that operating state of the machine (``normal_states``) to which the window comes nearest. Shape has many
numbers and a high normal maximum, which would drown a shifted level; so each is divided by what normal windows
typically reach, and the larger ratio counts.

The score is log2(1 + ratio): 1 = a typical good window, 2 = three times that. A ratio to spreads that few references
tell has a tail like Student's, heavier than thresholds beyond the references (``calibration``) assume; the logarithm
of the largest of many such ratios has the tail that they do.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.backbones.sensor_features import FEATURES, channel_features
from models.memory.normal_levels import NormalLevels
from models.memory.normal_shape import NormalShape
from models.memory.normal_windows import NormalWindows, Table
from models.settings import PartSettings
from wire.sensor_window import SensorWindow

# Neighbours in time resemble each other (drift, windows that overlap), so a window is judged without its whole block.
_BLOCKS = 8
_PREFIX, _SHAPE, _LEVELS, _METRIC, _TYPICAL = "sensor.", "shape.", "levels", "metric", "typical"


class SensorSettings(PartSettings):
    """``relative_floor``: spreads below that share of the channel's typical level and motion are not believed.

    ``zero_shot_sigma``: without a memory, a window whose largest excursion exceeds that many of its own robust
    standard deviations is a defect (stated, not calibrated); None = scores without a verdict.
    """

    relative_floor: float
    zero_shot_sigma: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class SensorMemory:
    """``names``: the C channels, sorted. ``typical``: what normal windows reach on average in level and in shape."""

    names: tuple[str, ...]
    levels: NormalLevels
    shape: NormalShape
    typical: tuple[float, float]

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.float32]]) -> Self:
        """Read what ``tensors`` wrote."""
        own = {name.removeprefix(_PREFIX): tensor for name, tensor in tensors.items() if name.startswith(_PREFIX)}
        names = tuple(sorted(name.removeprefix(_SHAPE) for name in own if name.startswith(_SHAPE)))
        shape = NormalShape(values=np.stack([own[_SHAPE + name] for name in names], axis=1).astype(np.float64))
        levels = NormalLevels(bank=own[_LEVELS].astype(np.float64), metric=own[_METRIC].astype(np.float64))
        level, rest = (float(value) for value in own[_TYPICAL])
        return cls(names=names, levels=levels, shape=shape, typical=(level, rest))

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """By the names under which a line state keeps them."""
        shapes = {_SHAPE + name: self.shape.values[:, index] for index, name in enumerate(self.names)}
        rest = {_LEVELS: self.levels.bank, _METRIC: self.levels.metric, _TYPICAL: np.array(self.typical)}
        return {_PREFIX + name: np.asarray(tensor, np.float32) for name, tensor in {**shapes, **rest}.items()}

    def score(self, window: SensorWindow) -> float | None:
        """How far from normal, 1 = typical of good windows; None if no known channel has a good sample."""
        distances = self.distances(_table(window_features(window), self.names))
        return None if distances is None else _score(distances, self.typical)

    def distances(self, table: Table) -> tuple[float, float] | None:
        """(level, shape) of features (C, F), each >= 1; None if all are NaN. A lost channel has no say."""
        z = self.shape.deviations(table)
        if not np.isfinite(z).any():
            return None
        # One sigma of the window's own is always there: where all references agree to the last digit, so must no part.
        return float(np.hypot(1, self.levels.distance(z[0, :, 0]))), float(np.hypot(1, self.shape.largest(z)))


def window_features(window: SensorWindow) -> dict[str, NDArray[np.float64]]:
    """Map each channel to its (F,) features, without the channels that have no good sample."""
    features = {channel.name: channel_features(channel) for channel in window.channels}
    return {name: values for name, values in features.items() if values is not None}


def build_sensor_memory(
    references: Sequence[SensorWindow], settings: SensorSettings
) -> tuple[SensorMemory, list[float]]:
    """(memory, scores of those windows that could be judged without the windows around them). In order of time."""
    ordered = sorted(references, key=lambda window: window.triggered_at)
    features = [found for found in map(window_features, ordered) if found]
    names = tuple(sorted({name for window in features for name in window}))
    tables = np.array([_table(window, names) for window in features]).reshape(len(features), len(names), len(FEATURES))
    count = max(1, min(_BLOCKS, len(tables)))
    blocks = np.repeat(np.arange(count), [len(block) for block in np.array_split(tables, count)])
    normal = NormalWindows.of(tables, settings.relative_floor, blocks)
    left_out: list[tuple[float, float]] = []
    for block in np.unique(blocks):
        if (blocks != block).any():
            memory = _memory(names, normal.only(blocks != block))
            judged = [memory.distances(table) for table in tables[blocks == block]]
            left_out.extend(distances for distances in judged if distances is not None)
    level, shape = (float(t) for t in np.mean(left_out, axis=0)) if left_out else (1.0, 1.0)
    scores = [_score(distances, (level, shape)) for distances in left_out]
    return _memory(names, normal, (level, shape)), scores


def excursion_sigma(window: SensorWindow) -> float | None:
    """Without a memory: the largest excursion over all channels in the window's own robust sigma, if any."""
    found = []
    for values in window_features(window).values():
        level, _, spread, _, peak = (float(v) for v in values[:5])
        if np.isfinite(peak):
            found.append(peak / max(spread, 1e-3 * abs(level), 1e-9))
    return max(found) if found else None


def _memory(names: tuple[str, ...], windows: NormalWindows, typical: tuple[float, float] = (1.0, 1.0)) -> SensorMemory:
    shape = NormalShape.of(windows)
    levels = NormalLevels.of(*shape.levels(windows))
    return SensorMemory(names=names, levels=levels, shape=shape, typical=typical)


def _score(distances: tuple[float, float], typical: tuple[float, float]) -> float:
    return math.log2(1 + max(one / other for one, other in zip(distances, typical, strict=True)))


def _table(features: Mapping[str, NDArray[np.float64]], names: Sequence[str]) -> Table:
    """(C, F), NaN for channels that the window lacks."""
    unknown = np.full(len(FEATURES), np.nan)
    return np.array([features.get(name, unknown) for name in names]).reshape(len(names), len(FEATURES))
