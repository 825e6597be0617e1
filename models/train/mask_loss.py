"""Dice and focal loss of masks, over scales (SYSTEMS A.4.2, Eq. 6)."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

# One pixel's worth: keeps Dice finite where neither mask has a pixel, without moving it where they have.
_DICE_EPSILON: Final = 1.0
FOCAL_GAMMA: Final = 2.0
FOCAL_ALPHA: Final = 0.25
# Weights of the scales 512, 256, 64 of 003 Eq. 6.
SCALE_WEIGHTS: Final = {"high": 0.3, "mid": 1.0, "low": 0.2}


def dice_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Logits and truth (0..1) (…, h, w) -> (…): 1 - 2 |p t| / (|p| + |t|); about 0 for a sure and right mask."""
    probability = logits.sigmoid().flatten(-2)
    wanted = truth.flatten(-2)
    shared = (probability * wanted).sum(-1)
    return 1 - (2 * shared + _DICE_EPSILON) / (probability.sum(-1) + wanted.sum(-1) + _DICE_EPSILON)


def focal_loss(
    logits: Tensor, truth: Tensor, *, gamma: float = FOCAL_GAMMA, alpha: float | None = FOCAL_ALPHA
) -> Tensor:
    """Logits and truth (0..1) (…, h, w) -> (…), mean over pixels.

    ``gamma`` 0 and ``alpha`` None is cross-entropy; ``alpha`` weighs defective pixels, 1 - alpha the others.
    """
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    probability = logits.sigmoid()
    missed = probability * (1 - truth) + (1 - probability) * truth
    loss = entropy * missed**gamma
    if alpha is not None:
        loss = loss * (alpha * truth + (1 - alpha) * (1 - truth))
    return loss.flatten(-2).mean(-1)


def resized_truth(truth: Tensor, side: int) -> Tensor:
    """Truth (B, H, W) of 0 and 1 at another scale (B, side, side), with about the same share of defect.

    Enlarged by the nearest pixel. Shrunk by area, then cut at the level that keeps the share: cut at a half, a scratch
    of one pixel would be gone at a quarter of the size.
    """
    if truth.shape[-1] <= side:
        return F.interpolate(truth[:, None], size=(side, side), mode="nearest")[:, 0]
    share = F.adaptive_avg_pool2d(truth[:, None], (side, side))[:, 0]  # (B, side, side)
    wanted = (truth.flatten(1).mean(1) * side * side).round().long().clamp(0, side * side)
    wanted = torch.where((truth.flatten(1).amax(1) > 0) & (wanted == 0), 1, wanted)
    order = share.flatten(1).argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(dim=1)
    return (rank < wanted[:, None]).to(truth.dtype).view_as(share)


def mask_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Logits (B, N, h, w) against truth (B, H, W) -> (B, N): dice + focal, truth brought to the logits' scale."""
    wanted = resized_truth(truth, logits.shape[-1])[:, None].expand_as(logits)
    return dice_loss(logits, wanted) + focal_loss(logits, wanted)
