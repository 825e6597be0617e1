"""SAM with the same parts, small enough for unit tests, with random weights from a seed."""

import torch
from torch import Tensor, nn

from models.backbones.sam.model import Sam, SamSize, sam_settings


def tiny_sam(size: SamSize = "tiny", seed: int = 0) -> Sam:
    torch.manual_seed(seed)
    sam = Sam(sam_settings(size)).eval()
    # Norms and biases start at 1 and 0, where a mistake would not show.
    for parameter in sam.parameters():
        nn.init.normal_(parameter, std=0.2) if parameter.ndim == 1 else None
    return sam


def pictures(count: int, side: int = 64, seed: int = 1) -> Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
