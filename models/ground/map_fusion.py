"""What the memory says and what the words say about each place, as one map (SYSTEMS A.2.4, Eq. 11, Q8)."""

from enum import StrEnum

import torch
from torch import Tensor

_LEAST = 1e-6


class Fusion(StrEnum):
    """Two of them are rows of the paper's table of ablations."""

    PRODUCT = "product"  # the paper's
    REPLACE = "replace"  # the memory alone, once there is one: the released code; "without TDDF"
    HARMONIC = "harmonic"  # 1 / (1 / words + 1 / memory): PromptAD
    TEXT = "text"  # the words alone, memory or not: "without MSSPMM"


def fused_map(memory: Tensor, words: Tensor, fusion: Fusion) -> Tensor:
    """Maps (…) in [0, 1] -> (…) in [0, 1]; rises with each of them that it looks at."""
    if fusion is Fusion.PRODUCT:
        return memory * words
    if fusion is Fusion.HARMONIC:
        return 1 / (1 / words.clamp_min(_LEAST) + 1 / memory.clamp_min(_LEAST))
    return memory if fusion is Fusion.REPLACE else words


def layer_mean(maps: Tensor) -> Tensor:
    """Distances (S, L) in [0, 2] of S layers -> (L,) in [0, 1]."""
    return torch.mean(maps, dim=0) / 2
