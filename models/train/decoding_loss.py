"""What the decoder's map costs: per cell, per region and per image."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

# Defective cells are about one in thirty; at 1 the first thousand steps would learn "nothing is ever defective".
_POSITIVE_WEIGHT = 4.0
# The score of an image in training: mean logit of this share of its cells, about the area of a small defect.
_SCORED_SHARE = 0.004


def decoding_loss(logits: Tensor, shares: Tensor, sizes: Sequence[int]) -> Tensor:
    """logits, shares (B, h, w); ``sizes``: queries per episode. Per cell, per region and per image.

    Cells: cross-entropy against the defective share. Regions: soft Dice of each defective image. Images: its most
    suspicious cells against its label, and every defective image above every good one of the same line.
    """
    weight = 1 + (_POSITIVE_WEIGHT - 1) * shares
    cells = F.binary_cross_entropy_with_logits(logits, shares, weight=weight)
    probability = logits.sigmoid()
    overlap = (probability * shares).sum(dim=(1, 2))
    dice = 1 - (2 * overlap + 1) / (probability.sum(dim=(1, 2)) + shares.sum(dim=(1, 2)) + 1)
    bad = shares.flatten(1).amax(dim=1) > 0.25
    flat = logits.flatten(1)
    scores = flat.topk(max(1, round(_SCORED_SHARE * flat.shape[1])), dim=1).values.mean(dim=1)
    images = F.binary_cross_entropy_with_logits(scores, bad.float())
    pairs = [
        F.softplus(own[~own_bad][:, None] - own[own_bad][None, :]).flatten()
        for own, own_bad in zip(torch.split(scores, list(sizes)), torch.split(bad, list(sizes)), strict=True)
    ]
    ranking = torch.cat(pairs)
    regions = dice[bad].mean() if bool(bad.any()) else logits.new_zeros(())
    ranked = ranking.mean() if len(ranking) else logits.new_zeros(())
    return 2 * cells + 0.5 * regions + 0.3 * images + 0.3 * ranked
