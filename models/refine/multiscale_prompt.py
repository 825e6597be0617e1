"""SAM-LLaVA's multi-scale prompt: a coarse mask as small, medium and large defects see it (SYSTEMS A.4.2, Eq. 5)."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from models.backbones.sam.model import MASK_PER_PLACE
from wire.errors import ShapeError

# Pooled over so many pixels and spread over as many again (003 Eq. 5; the stride is the kernel, Q17).
KERNELS: Final = (8, 4, 2)


class MultiScalePrompt(nn.Module):
    """Mask logits (B, 1, 4g, 4g) -> what is added to SAM's embedding (B, C, g, g); 4g a multiple of every kernel.

    Zero before it is trained: the model starts as plain SAM.
    """

    def __init__(self, channels: int, *, width: int, kernels: Sequence[int] = KERNELS) -> None:
        super().__init__()
        self.kernels = tuple(kernels)
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.AvgPool2d(kernel, kernel), nn.ConvTranspose2d(1, width, kernel, kernel), nn.Conv2d(width, width, 1)
            )
            for kernel in self.kernels
        )
        joined = width * len(self.kernels)
        self.down = nn.Sequential(
            nn.Conv2d(joined, joined, 2, 2), nn.GELU(), nn.Conv2d(joined, joined, 2, 2), nn.GELU()
        )
        self.out = nn.Conv2d(joined, channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, masks: Tensor) -> Tensor:
        """See the class. ShapeError if a side is no multiple of every kernel and of 4."""
        height, width = masks.shape[-2:]
        if masks.ndim != 4 or masks.shape[1] != 1 or any(side % k for side in (height, width) for k in self._divisors):
            raise ShapeError(
                f"masks have shape {tuple(masks.shape)}, expected (B, 1, H, W) in multiples of {self.kernels}"
            )
        added: Tensor = self.out(self.down(self.scales(masks)))  # (B, C, H/4, W/4)
        return added

    def scales(self, masks: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 3 * width, H, W): the branches side by side, coarsest first."""
        return torch.cat([branch(masks) for branch in self.branches], dim=1)

    @property
    def _divisors(self) -> tuple[int, ...]:
        return (*self.kernels, MASK_PER_PLACE)
