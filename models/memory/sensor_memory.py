"""The memory of a line's sensor windows: centre and spread of every feature of every channel on good parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.backbones.sensor_features import channel_features
from models.settings import PartSettings
from wire.sensor_window import SensorWindow

_PREFIX = "sensor."
_MAD_TO_SIGMA = 1.4826


class SensorSettings(PartSettings):
    """``relative_floor``: spreads below that share of the channel's typical level and motion are not believed.

    ``zero_shot_sigma``: without a memory, a window whose largest excursion exceeds that many of its own robust
    standard deviations is a defect (stated, not calibrated); None = scores without a verdict.
    """

    relative_floor: float
    zero_shot_sigma: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class SensorMemory:
    """channel -> (2, F): centre, spread of its features."""

    channels: Mapping[str, NDArray[np.float32]]

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.float32]]) -> Self:
        """Read what ``tensors`` wrote."""
        return cls(channels={n.removeprefix(_PREFIX): t for n, t in tensors.items() if n.startswith(_PREFIX)})

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """By the names under which a line state keeps them."""
        return {f"{_PREFIX}{name}": tensor for name, tensor in self.channels.items()}

    def score(self, window: SensorWindow) -> float | None:
        """Largest |robust z| over the known channels; None if none of them has enough good samples."""
        return _largest_z(window_features(window), self.channels)


def window_features(window: SensorWindow) -> dict[str, NDArray[np.float64]]:
    """Map each channel to its (F,) features, without the channels that have too few good samples."""
    features = {channel.name: channel_features(channel) for channel in window.channels}
    return {name: values for name, values in features.items() if values is not None}


def build_sensor_memory(
    references: Sequence[SensorWindow], settings: SensorSettings
) -> tuple[SensorMemory, list[float]]:
    """(memory, leave-one-out scores of those windows that could be judged against the others)."""
    features = [window_features(window) for window in references]
    scores = []
    for index in range(len(features)):
        others = _statistics([*features[:index], *features[index + 1 :]], settings)
        score = _largest_z(features[index], others)
        if score is not None:
            scores.append(score)
    return SensorMemory(channels=_statistics(features, settings)), scores


def excursion_sigma(window: SensorWindow) -> float | None:
    """Without a memory: the largest excursion over all channels in the window's own robust sigma, if any."""
    found = []
    for values in window_features(window).values():
        level, spread, _, peak = (float(v) for v in values[:4])
        found.append(peak / max(spread, 1e-3 * abs(level), 1e-9))
    return max(found) if found else None


def _statistics(
    features: Sequence[Mapping[str, NDArray[np.float64]]], settings: SensorSettings
) -> dict[str, NDArray[np.float32]]:
    statistics = {}
    for name in sorted({name for window in features for name in window}):
        table = np.stack([window[name] for window in features if name in window])  # (N, F)
        centre = np.median(table, axis=0)
        spread = _MAD_TO_SIGMA * np.median(np.abs(table - centre), axis=0)
        typical = max(abs(float(centre[0])) * settings.relative_floor, float(centre[2]) * settings.relative_floor, 1e-9)
        # Half of the references may agree by chance in one feature; its spread is then at least a quarter of its range.
        spread = np.maximum(spread, np.maximum(0.25 * np.std(table, axis=0), typical))
        statistics[name] = np.stack([centre, spread]).astype(np.float32)
    return statistics


def _largest_z(
    features: Mapping[str, NDArray[np.float64]], statistics: Mapping[str, NDArray[np.float32]]
) -> float | None:
    found = [
        float(np.max(np.abs(values - statistics[name][0]) / statistics[name][1]))
        for name, values in features.items()
        if name in statistics
    ]
    return max(found) if found else None
