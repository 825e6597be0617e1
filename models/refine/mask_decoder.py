"""SAM's mask decoder over many pictures at once, and its two further scales (SYSTEMS A.4.2, Eq. 6)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.backbones.sam.model import Sam


@dataclass(frozen=True, kw_only=True, eq=False)
class Masks:
    """Logits of N masks per picture, and how well each is thought to fit.

    mid (B, N, 4g, 4g), SAM's own scale; iou (B, N) predicted; low (B, N, g, g) and high (B, N, 8g, 8g) are there where
    heads for them are.
    """

    mid: Tensor
    iou: Tensor
    low: Tensor | None = None
    high: Tensor | None = None


class ScaleHeads(nn.Module):
    """What the masks are projected on at the embedding's own scale and at twice SAM's.

    For training alone: inference reads the middle scale, which does not know of them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        projected = channels // 8
        self.low = nn.Conv2d(channels, projected, 1)
        self.high = nn.ConvTranspose2d(projected, projected, 2, 2)


def decode(
    sam: Sam, embedding: Tensor, sparse: Tensor, dense: Tensor, *, multimask: bool, heads: ScaleHeads | None = None
) -> Masks:
    """One prompt per picture: embedding (B, C, g, g), sparse (B, P, C), dense (B, C, g, g) -> Masks.

    ``multimask``: three masks for a prompt that may mean several things; else the one mask of a clear prompt.
    segment-anything's own forward takes one picture and many prompts; this is the same computation for many pictures.
    """
    decoder = sam.mask_decoder
    batch, channels, rows, columns = embedding.shape
    tokens = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])  # (1 + 4, C)
    tokens = torch.cat([tokens.expand(batch, -1, -1), sparse], dim=1)  # (B, 5 + P, C)
    places = sam.prompt_encoder.get_dense_pe().expand(batch, -1, -1, -1)
    read, seen = decoder.transformer(embedding + dense, places, tokens)
    picture = seen.transpose(1, 2).view(batch, channels, rows, columns)
    upscaled = decoder.output_upscaling(picture)  # (B, C/8, 4g, 4g)
    weights = torch.stack(
        [network(read[:, 1 + index]) for index, network in enumerate(decoder.output_hypernetworks_mlps)], dim=1
    )  # (B, 4, C/8)
    wanted = slice(1, None) if multimask else slice(0, 1)
    return Masks(
        mid=_projected(weights, upscaled)[:, wanted],
        iou=decoder.iou_prediction_head(read[:, 0])[:, wanted],
        low=None if heads is None else _projected(weights, heads.low(picture))[:, wanted],
        high=None if heads is None else _projected(weights, heads.high(upscaled))[:, wanted],
    )


def best(masks: Tensor, iou: Tensor) -> Tensor:
    """Of masks (B, N, h, w) the one with the highest predicted iou (B, N) -> (B, h, w); of equal ones the first."""
    # argmax alone may return any of equal values.
    first = (iou == iou.amax(dim=1, keepdim=True)).int().argmax(dim=1)
    return masks[torch.arange(len(masks), device=masks.device), first]


def _projected(weights: Tensor, features: Tensor) -> Tensor:
    """Weights (B, N, D), features (B, D, h, w) -> (B, N, h, w)."""
    batch, dims, rows, columns = features.shape
    return (weights @ features.view(batch, dims, rows * columns)).view(batch, -1, rows, columns)
