"""Multi-scale local features from fixed filters: nothing is learned, so nothing has to be shipped."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.settings import PartSettings
from wire.errors import ShapeError

# Smaller images are enlarged by reflection up to this side before the coarsest level is made.
_MIN_SIDE_PX = 32


class FilterBankSettings(PartSettings):
    """``levels`` octaves, each with derivatives of a Gaussian and ``orientations`` Gabor filters of ``kernel_px``.

    ``stride_px``: one feature vector per that many pixels, a power of two. ``offset``: added to the first plane before
    its logarithm (makes responses independent of illumination); None = no logarithm.
    """

    levels: int
    kernel_px: int
    sigma_px: float
    orientations: int
    wavelength_px: float
    stride_px: int
    log_offset: float | None


class FilterBank(nn.Module):
    """Planes -> one vector per patch of ``stride_px`` x ``stride_px`` pixels.

    The first plane (intensity, height) gets every filter on every level, rectified and averaged around the patch, and
    its level; further planes (colour opponents, geometry) get their local mean and deviation on two levels.
    """

    kernels: Tensor

    def __init__(self, settings: FilterBankSettings) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("kernels", _kernels(settings))

    @property
    def stride_px(self) -> int:
        """Pixels per patch, both ways."""
        return self.settings.stride_px

    def forward(self, planes: Tensor) -> Tensor:
        """Filter planes (B, P, H, W), P >= 1 -> (B, C, ceil(H / stride), ceil(W / stride)). ShapeError else.

        B: images · P: planes · C: features, a function of P and the settings alone.
        """
        if planes.ndim != 4 or planes.shape[1] < 1:
            raise ShapeError(f"planes have shape {tuple(planes.shape)}, expected (B, P, H, W)")
        height, width = planes.shape[-2:]
        stride = self.settings.stride_px
        grid = (-(-height // stride), -(-width // stride))
        planes = _pad(planes, grid[0] * stride, grid[1] * stride)
        padded = (planes.shape[-2], planes.shape[-1])
        main = planes[:, :1]  # (B, 1, H', W')
        if self.settings.log_offset is not None:
            main = torch.log(main.clamp_min(0) + self.settings.log_offset)
        features = [*self._main_features(main, padded)]
        for level in (1, self.settings.levels - 1):
            side = F.avg_pool2d(planes[:, 1:], 2**level) if planes.shape[1] > 1 else planes[:, 1:]
            if side.shape[1]:
                features.extend(self._moments(side, level, padded))
        stacked = torch.cat(features, dim=1)
        return stacked[:, :, : grid[0], : grid[1]].contiguous()

    def _main_features(self, main: Tensor, padded: tuple[int, int]) -> list[Tensor]:
        features = []
        level_image = main
        margin = self.settings.kernel_px // 2
        for level in range(self.settings.levels):
            if level:
                level_image = F.avg_pool2d(level_image, 2)
            framed = F.pad(level_image, (margin, margin, margin, margin), mode="replicate")
            responses = F.conv2d(framed, self.kernels)  # (B, K, H', W')
            features.append(self._to_grid(responses.abs_(), level, padded))
            features.append(self._to_grid(level_image, level, padded) if level else main[:, :0, :1, :1])
        return [f for f in features if f.shape[1]]

    def _moments(self, planes: Tensor, level: int, padded: tuple[int, int]) -> list[Tensor]:
        mean = F.avg_pool2d(planes, 3, stride=1, padding=1, count_include_pad=False)
        return [self._to_grid(mean, level, padded), self._to_grid((planes - mean).abs(), level, padded)]

    def _to_grid(self, maps: Tensor, level: int, padded: tuple[int, int]) -> Tensor:
        """Average maps of 2**level px over windows of two strides, one every stride -> (B, K, H' / s, W' / s)."""
        size = (padded[0] // self.settings.stride_px, padded[1] // self.settings.stride_px)
        per_cell = self.settings.stride_px // 2**level
        if per_cell >= 1:
            cells = F.avg_pool2d(maps, per_cell) if per_cell > 1 else maps
        else:
            cells = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
        # A binomial 3 x 3 over cells: windows overlap, so a defect on a cell's edge is not split.
        framed = F.pad(cells, (1, 1, 1, 1), mode="replicate")
        return F.avg_pool2d(F.avg_pool2d(framed, 2, stride=1), 2, stride=1)


def _pad(planes: Tensor, height: int, width: int) -> Tensor:
    target_h, target_w = max(height, _MIN_SIDE_PX), max(width, _MIN_SIDE_PX)
    missing = (0, target_w - planes.shape[-1], 0, target_h - planes.shape[-2])
    return F.pad(planes, missing, mode="replicate") if any(missing) else planes


def _kernels(settings: FilterBankSettings) -> Tensor:
    """(K, 1, kernel, kernel): five Gaussian derivatives, then Gabor filters; each without mean, absolute sum 1."""
    half = settings.kernel_px // 2
    axis = torch.arange(-half, half + 1, dtype=torch.float64)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    s2 = settings.sigma_px**2
    gauss = torch.exp(-(x**2 + y**2) / (2 * s2))
    shapes = [x * gauss, y * gauss, (x**2 / s2 - 1) * gauss, (y**2 / s2 - 1) * gauss, x * y * gauss]
    for k in range(settings.orientations):
        angle = math.pi * (k + 0.5) / settings.orientations
        along = x * math.cos(angle) + y * math.sin(angle)
        shapes.append(gauss * torch.cos(2 * math.pi * along / settings.wavelength_px))
    kernels = []
    for shape in shapes:
        centred = shape - gauss * (shape.sum() / gauss.sum())
        kernels.append(centred / centred.abs().sum())
    return torch.stack(kernels)[:, None].to(torch.float32)
