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
    """d_n - d_a of tokens (…, L, C) and unit texts (C,), or (…, C) one for each picture -> (…, L) in [-2, 2] (Eq. 6).

    Above 0: more like abnormal words. ShapeError if the widths differ.
    """
    if not tokens.shape[-1] == normal.shape[-1] == abnormal.shape[-1]:
        raise ShapeError(f"tokens have {tokens.shape[-1]} channels, texts {normal.shape[-1]} and {abnormal.shape[-1]}")
    if norm is Norm.L2:
        placed = F.normalize(tokens, dim=-1)
    else:
        placed = tokens / tokens.square().sum(dim=-1, keepdim=True).clamp_min(1e-12)
    if metric is Metric.COSINE:
        return (placed @ (abnormal - normal)[..., None])[..., 0]
    return _distance(placed, normal) - _distance(placed, abnormal)


def delta_map(delta: Tensor, temperature: float) -> Tensor:
    """(…) in [-2, 2] -> (…) in (0, 1), rising: what a product with another map needs (Q8)."""
    return torch.sigmoid(delta / temperature)


def text_probability(cls: Tensor, normal: Tensor, abnormal: Tensor, *, temperature: float) -> Tensor:
    """Images (B, D), texts (n, D) and (m, D), or (B, n, D) and (B, m, D) for each its own -> (B,) (Q9).

    The abnormal ones' summed share of a softmax.
    """
    texts = torch.cat([normal, abnormal], dim=-2)  # (…, n + m, D)
    logits = (texts @ F.normalize(cls, dim=-1)[..., None])[..., 0] * temperature  # (B, n + m)
    return logits.softmax(dim=-1)[:, normal.shape[-2] :].sum(dim=-1)


def _distance(tokens: Tensor, text: Tensor) -> Tensor:
    own = text if text.ndim == 1 else text[..., None, :]
    # The gradient of a root is infinite at 0, which a token that equals a text would turn into NaN.
    return (tokens - own).square().sum(dim=-1).clamp_min(1e-12).sqrt()
