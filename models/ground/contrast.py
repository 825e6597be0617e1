"""SAM-LLaVA's coarse map: how much more a token looks like abnormal words than like normal ones (SYSTEMS A.4.1)."""

from typing import Final

import torch
from torch import Tensor

from wire.errors import ShapeError

# exp(log scale) of CLIP's training, where a checkpoint does not say another (SYSTEMS Q9: its exponential, about 100).
LOGIT_SCALE: Final = 100.0


def contrast_heat(tokens: Tensor, normal: Tensor, abnormal: Tensor, *, logit_scale: float = LOGIT_SCALE) -> Tensor:
    """Softmax share of the abnormal text: tokens (…, C), texts (C,) each, all of length 1 -> (…) in [0, 1]."""
    if not tokens.shape[-1] == len(normal) == len(abnormal):
        raise ShapeError(f"tokens have {tokens.shape[-1]} channels, texts {len(normal)} and {len(abnormal)}")
    return torch.sigmoid(logit_scale * (tokens @ (abnormal - normal)))
