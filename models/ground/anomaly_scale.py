"""Decoder and distances in one unit: what good parts of the line show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.memory.feature_memory import Comparison

# One unit of a map: what this share of the places of good parts stays below.
_UNIT_QUANTILE = 0.9995
# Good parts never agree better than to this: in ratios, and in logits of the decoder.
_LEAST_RATIO, _LEAST_LOGIT = 0.05, 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class AnomalyScale:
    """values (2, 3) float32: usual value and one unit above it, of the decoder's logit, the fine and coarse ratio."""

    values: NDArray[np.float32]

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.float32]], modality: str) -> Self:
        """Read what ``tensors`` wrote; KeyError if it is not there."""
        return cls(values=np.asarray(tensors[f"{modality}.scale"], np.float32))

    def tensors(self, modality: str) -> dict[str, NDArray[np.float32]]:
        """By the name under which a line state keeps it."""
        return {f"{modality}.scale": self.values}

    def __call__(self, logits: Tensor, comparison: Comparison, decoder_weight: float) -> Tensor:
        """One image: logits (h, w) and its comparison -> (h, w) float32 >= 0; 0 as usual, 1 = one unit."""
        usual, unit = self.values
        decoded = ((logits - float(usual[0])) / float(unit[0])).clamp_min(0)
        size = (logits.shape[0], logits.shape[1])
        fine = (_raised(comparison.fine.ratio, size) - float(usual[1])) / float(unit[1])
        coarse = (_raised(comparison.coarse.ratio, size) - float(usual[2])) / float(unit[2])
        distance = (fine.clamp_min(0) + coarse.clamp_min(0)) / 2
        return decoder_weight * decoded + (1 - decoder_weight) * distance


def fit_scale(logits: Sequence[Tensor], comparisons: Sequence[Comparison]) -> AnomalyScale:
    """From good parts that were left out of the memory: logits (h, w) and comparison of each."""
    columns = []
    for maps, least in (
        (list(logits), _LEAST_LOGIT),
        ([comparison.fine.ratio for comparison in comparisons], _LEAST_RATIO),
        ([comparison.coarse.ratio for comparison in comparisons], _LEAST_RATIO),
    ):
        values = torch.cat([own.flatten() for own in maps]).cpu().numpy()
        usual, high = (float(q) for q in np.quantile(values, (0.5, _UNIT_QUANTILE)))
        columns.append((usual, max(high - usual, least)))
    return AnomalyScale(values=np.array(columns, np.float32).T.copy())


def _raised(ratio: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(ratio[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
