"""The shipped feature network: dense convolutions, which a CPU does at its full speed, in the shape of a small ResNet.

Distilled from a teacher that has seen natural images (``models.train.distillation``).
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.settings import PartSettings
from wire.errors import ShapeError

# Pictures are padded up to this by the caller: the coarsest stage is halved five times.
MULTIPLE_PX: Final = 32
FINE_STRIDE_PX: Final = 8
COARSE_STRIDE_PX: Final = 16


class StudentSettings(PartSettings):
    """``widths`` of the five stages (strides 2, 4, 8, 16, 32); ``depths``: residual blocks of the last four."""

    widths: tuple[int, int, int, int, int]
    depths: tuple[int, int, int, int]
    fine_dims: int
    coarse_dims: int


@dataclass(frozen=True, kw_only=True, eq=False)
class StudentFeatures:
    """fine (B, F, H/8, W/8): small structure; coarse (B, C, H/16, W/16): what surrounds it, and what it belongs to.

    detail (B, E, H/4, W/4): no target of the teacher's, but where edges lie, for drawing masks.
    """

    fine: Tensor
    coarse: Tensor
    detail: Tensor

    def __getitem__(self, index: int | slice) -> "StudentFeatures":
        """Those of some images; a single one keeps its axis of images, of length 1."""
        some = slice(index, index + 1) if isinstance(index, int) else index
        return StudentFeatures(fine=self.fine[some], coarse=self.coarse[some], detail=self.detail[some])


class Student(nn.Module):
    """images (B, 3, H, W) float in [0, 1], H and W multiples of 32 -> StudentFeatures. ShapeError for other shapes."""

    def __init__(self, settings: StudentSettings) -> None:
        super().__init__()
        self.settings = settings
        stem, quarter, eighth, sixteenth, thirtysecond = settings.widths
        first, second, third, fourth = settings.depths
        self.stem = nn.Sequential(_convolution(3, stem, stride=2), _convolution(stem, quarter, stride=2))
        self.quarter = nn.Sequential(*[_Residual(quarter, quarter) for _ in range(first)])
        self.eighth = _stage(quarter, eighth, second)
        self.sixteenth = _stage(eighth, sixteenth, third)
        self.thirtysecond = _stage(sixteenth, thirtysecond, fourth)
        self.merge = _convolution(sixteenth + thirtysecond, thirtysecond, stride=1)
        self.fine_head = nn.Conv2d(eighth, settings.fine_dims, 1)
        self.coarse_head = nn.Conv2d(thirtysecond, settings.coarse_dims, 1)

    def forward(self, images: Tensor) -> StudentFeatures:
        """See the class."""
        height, width = images.shape[-2:]
        if images.ndim != 4 or images.shape[1] != 3 or height % MULTIPLE_PX or width % MULTIPLE_PX:
            shape = tuple(images.shape)
            raise ShapeError(f"images have shape {shape}, expected (B, 3, H, W) in multiples of {MULTIPLE_PX}")
        quarter = self.quarter(self.stem(images * 2 - 1))  # (B, 48, H/4, W/4)
        eighth = self.eighth(quarter)  # (B, 96, H/8, W/8)
        sixteenth = self.sixteenth(eighth)  # (B, 192, H/16, W/16)
        context = self.thirtysecond(sixteenth)  # (B, 256, H/32, W/32)
        context = F.interpolate(context, size=sixteenth.shape[-2:], mode="bilinear", align_corners=False)
        merged = self.merge(torch.cat([sixteenth, context], dim=1))  # (B, 256, H/16, W/16)
        return StudentFeatures(fine=self.fine_head(eighth), coarse=self.coarse_head(merged), detail=quarter)


class _Residual(nn.Module):
    def __init__(self, before: int, after: int, *, stride: int = 1) -> None:
        super().__init__()
        self.first = _convolution(before, after, stride=stride)
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after))
        same = before == after and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.shortcut(x) + self.second(self.first(x)))


def _stage(before: int, after: int, depth: int) -> nn.Sequential:
    return nn.Sequential(_Residual(before, after, stride=2), *[_Residual(after, after) for _ in range(depth - 1)])


def _convolution(before: int, after: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )
