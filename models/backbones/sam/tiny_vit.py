"""TinyViT as MobileSAM's image encoder: convolutions, then attention in windows, at a thirtieth of ViT-L's weights.

Wu et al. 2022 (TinyViT) and Zhang et al. 2023 (MobileSAM). Modules are named as the public checkpoint names them, so
that its tensors fit without a table.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones.sam.neck import Neck
from models.settings import PartSettings


class TinyVitSettings(PartSettings):
    """Four stages: the first convolves, the others attend in windows of ``windows`` cells a side."""

    widths: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    heads: tuple[int, int, int, int]
    windows: tuple[int, int, int, int]


class TinyVit(nn.Module):
    """images (B, 3, S, S), normalised, S a multiple of 16 -> (B, C, S/16, S/16).

    The last stage keeps the grid of the third: SAM's embedding has one place per 16 px.
    """

    def __init__(self, settings: TinyVitSettings, *, out_channels: int) -> None:
        super().__init__()
        widths = settings.widths
        self.patch_embed = _Stem(widths[0])
        self.layers = nn.ModuleList()
        for index, (width, depth) in enumerate(zip(widths, settings.depths, strict=True)):
            blocks: list[nn.Module] = [
                _MbConv(width)
                if index == 0
                else _Block(width, heads=settings.heads[index], window=settings.windows[index])
                for _ in range(depth)
            ]
            last = index == len(widths) - 1
            merging = None if last else _Merging(width, widths[index + 1], stride=1 if index == 2 else 2)
            self.layers.append(_Stage(blocks, merging))
        self.neck = Neck(widths[-1], out_channels)

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        x = self.patch_embed(images)  # (B, W0, S/4, S/4)
        for layer in self.layers:
            x = layer(x)
        embedding: Tensor = self.neck(x)  # (B, C, S/16, S/16)
        return embedding


class _ConvNorm(nn.Sequential):
    """A convolution ``c`` without bias and its norm ``bn``."""

    def __init__(self, before: int, after: int, *, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.add_module("c", nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False))
        self.add_module("bn", nn.BatchNorm2d(after))


class _Stem(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.seq = nn.Sequential(
            _ConvNorm(3, half, kernel=3, stride=2), nn.GELU(), _ConvNorm(half, width, kernel=3, stride=2)
        )

    def forward(self, images: Tensor) -> Tensor:
        x: Tensor = self.seq(images)
        return x


class _MbConv(nn.Module):
    _EXPANSION = 4

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = width * self._EXPANSION
        self.conv1 = _ConvNorm(width, inner)
        self.conv2 = _ConvNorm(inner, inner, kernel=3, groups=inner)
        self.conv3 = _ConvNorm(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return F.gelu(x + self.conv3(inner))


class _Merging(nn.Module):
    """Halves the grid (``stride`` 2) and widens the channels."""

    def __init__(self, before: int, after: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = _ConvNorm(before, after)
        self.conv2 = _ConvNorm(after, after, kernel=3, stride=stride, groups=after)
        self.conv3 = _ConvNorm(after, after)

    def forward(self, x: Tensor) -> Tensor:
        merged: Tensor = self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))
        return merged


class _Stage(nn.Module):
    def __init__(self, blocks: Sequence[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        if self.downsample is not None:
            x = self.downsample(x)
        return x


class _Block(nn.Module):
    """Attention within windows, a depthwise convolution that joins them, a feed-forward layer."""

    def __init__(self, width: int, *, heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attn = _Attention(width, heads=heads, window=window)
        self.local_conv = _ConvNorm(width, width, kernel=3, groups=width)
        self.mlp = _Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._in_windows(x)
        x = self.local_conv(x)
        fed: Tensor = self.mlp(x.permute(0, 2, 3, 1))
        return x + fed.permute(0, 3, 1, 2)

    def _in_windows(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same; the grid is filled up with zeros to whole windows."""
        batch, width, rows, columns = x.shape
        side = self.window
        padded = F.pad(x, (0, -columns % side, 0, -rows % side))
        down, right = padded.shape[-2] // side, padded.shape[-1] // side
        cells = padded.reshape(batch, width, down, side, right, side).permute(0, 2, 4, 3, 5, 1)
        windows: Tensor = self.attn(cells.reshape(batch * down * right, side * side, width))
        cells = windows.view(batch, down, right, side, side, width).permute(0, 5, 1, 3, 2, 4)
        return cells.reshape(batch, width, down * side, right * side)[:, :, :rows, :columns]


class _Attention(nn.Module):
    """tokens (N, side * side, C) -> the same; each pair of places has a bias by how far they lie apart."""

    def __init__(self, width: int, *, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        self.register_buffer("distances", _distances(window), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        count, places, width = tokens.shape
        qkv = self.qkv(self.norm(tokens)).view(count, places, self.heads, 3 * (width // self.heads))
        query, key, value = qkv.transpose(1, 2).chunk(3, dim=-1)  # (N, heads, places, C / heads) each
        bias = self.attention_biases[:, self.get_buffer("distances")]  # (heads, places, places)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(count, places, width))
        return out


class _Mlp(nn.Module):
    _EXPANSION = 4

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, width * self._EXPANSION)
        self.fc2 = nn.Linear(width * self._EXPANSION, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(self.norm(x))))
        return out


def _distances(window: int) -> Tensor:
    """(places, places) int64: |rows apart| * window + |columns apart|, the checkpoint's numbering of its biases."""
    rows = torch.arange(window, device="cpu").repeat_interleave(window)
    columns = torch.arange(window, device="cpu").repeat(window)
    return (rows[:, None] - rows[None]).abs() * window + (columns[:, None] - columns[None]).abs()
