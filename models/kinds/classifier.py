"""Names regions: a type of the closed vocabulary with a calibrated probability, or unknown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.kinds.appearance import appearances
from models.kinds.kind_network import KindNetwork
from models.kinds.seen_picture import SeenPicture
from models.kinds.taught import Adopted, Limits, TaughtClass, adopt
from models.kinds.vocabulary import NAMED, DefectType
from models.settings import PartSettings


class KindSettings(PartSettings):
    """``weights``: a file beside the recipe; below ``least_probability`` a region's type is unknown."""

    weights: str
    sha256: str
    least_probability: float


@dataclass(frozen=True, kw_only=True)
class Named:
    """``probability`` that ``type`` is right; None with ``unknown``, which claims nothing."""

    type: str
    probability: float | None


class KindClassifier:
    """Owns ``inference_mode``; remembers nothing between calls. ``temperature`` divides the logits."""

    def __init__(self, *, network: KindNetwork, temperature: float, limits: Limits, least_probability: float) -> None:
        self._network = network.eval().requires_grad_(requires_grad=False)
        self._temperature = temperature
        self._limits = limits
        self._least_probability = least_probability

    @property
    def limits(self) -> Limits:
        """What bounds the reach of taught classes."""
        return self._limits

    @property
    def metric_dims(self) -> int:
        """Coordinates of a point."""
        return int(self._network.metric.shape[1])

    def name(
        self, seen: SeenPicture, count: int, taught: Sequence[TaughtClass] = (), *, knows_vocabulary: bool = True
    ) -> list[Named]:
        """One answer per region; a class that people taught wins over the vocabulary.

        Without ``knows_vocabulary`` (pictures of a kind that it did not learn from) what nobody taught is unknown.
        """
        if count == 0:
            return []
        if not knows_vocabulary:
            return [
                Named(type=DefectType.UNKNOWN.value, probability=None) if own is None else _taught(own)
                for own in (adopt(point, taught) for point in self.points(seen, count))
            ]
        vectors = torch.from_numpy(appearances(seen, count))
        with torch.inference_mode():
            chances = (self._network(vectors) / self._temperature).softmax(dim=1).numpy()
            points = self._network.points(vectors).numpy()
        return [
            self._from_vocabulary(own) if (own_class := adopt(point, taught)) is None else _taught(own_class)
            for own, point in zip(chances, points, strict=True)
        ]

    def points(self, seen: SeenPicture, count: int) -> NDArray[np.float32]:
        """(count, M): regions in the metric in which people's examples are compared."""
        with torch.inference_mode():
            return self._network.points(torch.from_numpy(appearances(seen, count))).numpy()

    def _from_vocabulary(self, chances: NDArray[np.float32]) -> Named:
        best = int(chances.argmax())
        probability = float(chances[best])
        if probability < self._least_probability:
            return Named(type=DefectType.UNKNOWN.value, probability=None)
        return Named(type=NAMED[best].value, probability=round(probability, 4))


def _taught(own: Adopted) -> Named:
    return Named(type=own.name, probability=own.probability)
