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


def value_attention(block: Any, stream: Tensor) -> Tensor:
    """Proj(VV(V)) of one open_clip block with V = W_v LN1(stream): (B, T, W) -> (B, T, W)."""
    attention: Any = block.attn
    width, heads = attention.embed_dim, attention.num_heads
    bias = None if attention.in_proj_bias is None else attention.in_proj_bias[2 * width :]
    values = F.linear(block.ln_1(stream), attention.in_proj_weight[2 * width :], bias)
    images, tokens, _ = values.shape
    values = values.view(images, tokens, heads, width // heads).transpose(1, 2)  # (B, H, T, d)
    mixed = F.scaled_dot_product_attention(values, values, values)
    joined: Tensor = block.ls_1(attention.out_proj(mixed.transpose(1, 2).reshape(images, tokens, width)))
    return joined
