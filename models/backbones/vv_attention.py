"""Value-value attention from the weights of an ordinary block: each token listens to tokens with values like its own.

Ordinary attention of CLIP mixes the whole image into every token, which serves its one image token; what a place looks
like is blurred. VV(V) = softmax(V V^T / sqrt(d)) V (SYSTEMS A.2.1, Eq. 1) adds no parameters.
"""

from enum import StrEnum
from typing import Any

from torch import Tensor
from torch.nn import functional as F


class VvMode(StrEnum):
    """What a hooked layer l gives; X: the ordinary stream, P_l: ``value_attention`` of block l on X_(l-1)."""

    NONE = "none"  # X_l
    SURGERY = "surgery"  # Z_l = Z_(l-1) + P_l, accumulated from the embeddings on (CLIP Surgery, PromptAD)
    LITERAL = "literal"  # X_(l-1) + P_l (Eq. 2)
    ENHANCED = "enhanced"  # P_l alone: no residual, no FFN (Eq. 3)
    MASKCLIP = "maskclip"  # block l without attention: every token keeps its own value (the table's encoder MaskCLIP)


def value_attention(block: Any, stream: Tensor) -> Tensor:
    """Proj(VV(V)) of one open_clip block with V = W_v LN1(stream): (B, T, W) -> (B, T, W)."""
    values = _values(block, stream)
    images, tokens, width = values.shape
    heads = block.attn.num_heads
    values = values.view(images, tokens, heads, width // heads).transpose(1, 2)  # (B, H, T, d)
    mixed = F.scaled_dot_product_attention(values, values, values)
    return _projected(block, mixed.transpose(1, 2).reshape(images, tokens, width))


def own_values(block: Any, stream: Tensor) -> Tensor:
    """The block where each token listens to itself alone: X + Proj(V), then its FFN (Zhou et al. 2022, MaskCLIP)."""
    seen = stream + _projected(block, _values(block, stream))
    out: Tensor = seen + block.ls_2(block.mlp(block.ln_2(seen)))
    return out


def _values(block: Any, stream: Tensor) -> Tensor:
    """V = W_v LN1(stream), all heads side by side: (B, T, W)."""
    attention: Any = block.attn
    first = 2 * attention.embed_dim  # of queries, keys and values the last third
    bias = None if attention.in_proj_bias is None else attention.in_proj_bias[first:]
    return F.linear(block.ln_1(stream), attention.in_proj_weight[first:], bias)


def _projected(block: Any, values: Tensor) -> Tensor:
    joined: Tensor = block.ls_1(block.attn.out_proj(values))
    return joined
