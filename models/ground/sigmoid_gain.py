"""What a line's memory says about a coarse map: a gain per place (SAM-LLaVA, SYSTEMS A.4.1 Eq. 2, Q16)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Cosine distances of good parts never agree better: identical references would make rounding a defect.
_LEAST_SPREAD: Final = 1e-3


class GainForm(StrEnum):
    """How distances become a gain."""

    STANDARDISED = "standardised"  # in (0, 2), 1 for a place as unusual as good parts' places are
    SIGMOID = "sigmoid"  # as printed: distances are never negative, so it lies in [1/2, 0.88] and suppresses nothing
    NONE = "none"  # no memory in the map


@dataclass(frozen=True, kw_only=True)
class SigmoidGain:
    """``mean`` and ``spread`` of the distances of good parts that were left out of the memory."""

    mean: float
    spread: float

    @classmethod
    def fit(cls, left_out: Sequence[Tensor]) -> Self:
        """From contexts (L,) of good parts, each against a memory without it."""
        values = torch.cat([each.flatten() for each in left_out])
        return cls(mean=float(values.mean()), spread=max(float(values.std(correction=0)), _LEAST_SPREAD))

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.float32]], modality: str) -> Self:
        """Read what ``tensors`` wrote; KeyError if it is not there."""
        mean, spread = tensors[f"{modality}.gain"]
        return cls(mean=float(mean), spread=float(spread))

    def tensors(self, modality: str) -> dict[str, NDArray[np.float32]]:
        """By the name under which a line state keeps it."""
        return {f"{modality}.gain": np.array([self.mean, self.spread], np.float32)}

    def __call__(self, context: Tensor, form: GainForm = GainForm.STANDARDISED) -> Tensor:
        """Distances (…) to the memory -> gain (…) that a coarse map is multiplied by; rises with distance."""
        if form is GainForm.NONE:
            return torch.ones_like(context)
        if form is GainForm.SIGMOID:
            return context.sigmoid()
        return 2 * ((context - self.mean) / self.spread).sigmoid()


def context_of(distances: Tensor) -> Tensor:
    """Cosine distances (L, layers) to the banks of all layers -> (L,): their mean (s_ctx in 003 Eq. 2)."""
    return distances.mean(dim=-1)
