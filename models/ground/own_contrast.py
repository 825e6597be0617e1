"""Without a memory a part is its own reference: how unlike its usual place each of its places is."""

import torch
from torch import Tensor
from torch.nn import functional as F

from models.ground.decoder import Evidence

# A place that equals the part's mean exactly is no more usual than one at a hundredth of the usual distance from it.
_LEAST_RATIO = 0.01


def raised_by_own_contrast(logits: Tensor, evidence: Evidence, weight: float) -> Tensor:
    """Add to logits (B, H, W) of the decoder where a part is unlike its own mean, take away where it is like it.

    ``weight``: logits per e-fold of the distance from the mean over the usual one, at both strides. The decoder knows
    what defects look like; this knows large and strange regions that it was never shown.
    """
    ratios = (evidence.fine_scalars[:, 1:2], evidence.coarse_scalars[:, 1:2])  # log(1 + ratio) (B, 1, h, w)
    for compressed in ratios:
        ratio = torch.expm1(compressed).clamp_min(_LEAST_RATIO)
        raised = F.interpolate(ratio.log(), size=logits.shape[-2:], mode="bilinear", align_corners=False)
        logits = logits + weight * raised[:, 0]
    return logits
