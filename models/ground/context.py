"""The part as a whole, for the decoder: every place of a coarse grid looks at every other one.

A side that is ground unlike the rest is a good surface wherever one looks: only against the rest of its part does it
stand out, and convolutions do not see that far.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.settings import PartSettings


class ContextSettings(PartSettings):
    """``width`` of a place's vector, ``blocks`` of attention with ``heads`` heads; at most ``grid`` places a side."""

    width: int
    blocks: int
    heads: int
    grid: int


class Context(nn.Module):
    """planes (B, C, h, w) -> (B, outputs, h, w): what each place is to the whole part. Starts as zero everywhere."""

    def __init__(self, settings: ContextSettings, *, planes: int, outputs: int) -> None:
        super().__init__()
        self._grid = settings.grid
        # As they are, and as they stand out from the part's own mean.
        self.enter = nn.Linear(2 * planes, settings.width)
        self.blocks = nn.ModuleList(_Block(settings.width, settings.heads) for _ in range(settings.blocks))
        self.norm = nn.LayerNorm(settings.width)
        self.leave = nn.Linear(settings.width, outputs)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, planes: Tensor) -> Tensor:
        """See the class."""
        height, width = planes.shape[-2:]
        size = (min(height, self._grid), min(width, self._grid))
        places = planes if size == (height, width) else F.adaptive_avg_pool2d(planes, size)  # (B, C, g, g)
        deviation, mean = torch.std_mean(places, dim=(2, 3), keepdim=True, correction=0)
        both = torch.cat([places, (places - mean) / (deviation + 1e-3)], dim=1)
        seen = self.enter(_places(both))  # (B, g·g, W)
        for block in self.blocks:
            seen = block(seen, size)
        out = _planes(self.leave(self.norm(seen)), size)  # (B, outputs, g, g)
        if size == (height, width):
            return out
        return F.interpolate(out, size=(height, width), mode="bilinear", align_corners=False)


class _Block(nn.Module):
    """Neighbours first, which also tells where a place lies; then all places; then each by itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.near = nn.Conv2d(width, width, 3, 1, 1, groups=width)
        self.norm_all, self.norm_own = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width)
        self.answer = nn.Linear(width, width)
        self.own = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, seen: Tensor, size: tuple[int, int]) -> Tensor:
        """What each place knows, (B, T, W) on a grid of ``size``, and then knows."""
        batch, count, width = seen.shape
        seen = seen + _places(self.near(_planes(seen, size)))
        asked = self.ask(self.norm_all(seen)).view(batch, count, 3, self._heads, width // self._heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4)  # (B, heads, T, W / heads) each
        # Written out: for so few places torch's fused kernel takes five times as long on a CPU.
        weights = (query @ key.transpose(-1, -2) * (width // self._heads) ** -0.5).softmax(dim=-1)  # (B, heads, T, T)
        found = (weights @ value).transpose(1, 2).reshape(batch, count, width)
        seen = seen + self.answer(found)
        own: Tensor = self.own(self.norm_own(seen))
        return seen + own


def _places(planes: Tensor) -> Tensor:
    """(B, C, h, w) -> (B, h·w, C); no copy of what is channels last."""
    return planes.permute(0, 2, 3, 1).flatten(1, 2)


def _planes(places: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, h·w, C) -> (B, C, h, w), channels last."""
    batch, _, channels = places.shape
    return places.view(batch, *size, channels).permute(0, 3, 1, 2)
