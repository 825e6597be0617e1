"""SAM-LLaVA's coarse map: how much more a token looks like abnormal words than like normal ones (SYSTEMS A.4.1)."""

from typing import Final

import torch
from torch import Tensor

from wire.errors import ShapeError

# exp(log scale) of CLIP's training, where a checkpoint does not say another (SYSTEMS Q9: its exponential, about 100).
LOGIT_SCALE: Final = 100.0


def contrast_heat(tokens: Tensor, normal: Tensor, abnormal: Tensor, *, logit_scale: float = LOGIT_SCALE) -> Tensor:
    """Softmax share of the abnormal text: tokens (…, L, C), all of length 1 -> (…, L) in [0, 1].

    Texts (C,) each, or (…, C): one for each picture. ShapeError if the widths differ.
    """
    if not tokens.shape[-1] == normal.shape[-1] == abnormal.shape[-1]:
        widths = f"{normal.shape[-1]} and {abnormal.shape[-1]}"
        raise ShapeError(f"tokens have {tokens.shape[-1]} channels, texts {widths}")
    return torch.sigmoid(logit_scale * (tokens @ (abnormal - normal)[..., None])[..., 0])
