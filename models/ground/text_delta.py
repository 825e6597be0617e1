"""TDDF: how much nearer a token lies to abnormal words than to normal ones (SYSTEMS A.2.3, Eq. 4 to 6)."""

from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional as F

from wire.errors import ShapeError


class Norm(StrEnum):
    """What a token is divided by before it is compared."""

    L2 = "l2"  # its length: onto the unit sphere, which is what the paper's text says
    SQUARED = "squared"  # its squared length, as Eq. 4 prints: an inversion in that sphere


class Metric(StrEnum):
    """How far a token is from a text."""

    EUCLIDEAN = "euclidean"  # |z - e|, the paper's
    COSINE = "cosine"  # 1 - cos: the same decision at threshold 0, another scale


def text_delta(
    tokens: Tensor, normal: Tensor, abnormal: Tensor, *, norm: Norm = Norm.L2, metric: Metric = Metric.EUCLIDEAN
) -> Tensor:
    """d_n - d_a of tokens (…, C) and unit texts (C,) -> (…) in [-2, 2]; above 0: more like abnormal words (Eq. 6).

    ShapeError if the widths differ.
    """
    if not tokens.shape[-1] == normal.shape[-1] == abnormal.shape[-1]:
        raise ShapeError(f"tokens have {tokens.shape[-1]} channels, texts {normal.shape[-1]} and {abnormal.shape[-1]}")
    if norm is Norm.L2:
        placed = F.normalize(tokens, dim=-1)
    else:
        placed = tokens / tokens.square().sum(dim=-1, keepdim=True).clamp_min(1e-12)
    if metric is Metric.COSINE:
        return placed @ abnormal - placed @ normal
    return _distance(placed, normal) - _distance(placed, abnormal)


def delta_map(delta: Tensor, temperature: float) -> Tensor:
    """(…) in [-2, 2] -> (…) in (0, 1), rising: what a product with another map needs (Q8)."""
    return torch.sigmoid(delta / temperature)


def text_probability(cls: Tensor, normal: Tensor, abnormal: Tensor, *, temperature: float) -> Tensor:
    """Images (B, D), texts (n, D) and (m, D): the abnormal ones' summed share of a softmax -> (B,) (Q9)."""
    logits = F.normalize(cls, dim=-1) @ torch.cat([normal, abnormal]).T * temperature
    return logits.softmax(dim=-1)[:, len(normal) :].sum(dim=-1)


def _distance(tokens: Tensor, text: Tensor) -> Tensor:
    # The gradient of a root is infinite at 0, which a token that equals a text would turn into NaN.
    return (tokens - text).square().sum(dim=-1).clamp_min(1e-12).sqrt()
