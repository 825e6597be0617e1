"""The decoder: from what a part shows, and how it differs from good parts, to where it is defective.

Sees features and differences, never a product, so that one set of weights serves every line. Without a memory the
part is its own reference: differences are those from its own mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones.student import StudentFeatures
from models.ground.context import Context, ContextSettings
from models.memory.feature_memory import Comparison
from models.settings import PartSettings

# Ratio to good parts and to the part itself at two scales, and whether there is a memory.
_SCALARS = 5
# How much the view of the whole part counts without a memory: nothing then says whether a region that is unlike the
# rest belongs to the part. Pixel AUROC without references, at 0, .15, .3, of the weights before these: held-out drawn
# families .837, .852, .859 (1: .871); steel .873, .870, .863; magnet tiles .844, .848, .846. So real parts decided, the
# steel most of all. Weights on the way to those that ship: steel .883 at 0, .880 at .15.
_LONE_CONTEXT = 0.15
# A ratio counts by its logarithm, and beyond this no more: it is a defect already.
_MOST_RATIO = 20.0


class DecoderSettings(PartSettings):
    """Channels of the projections and of the two levels (strides 8 and 16), and of the last one (stride 4).

    ``context`` None = no place sees farther than its convolutions do.
    """

    projected: int
    widths: tuple[int, int]
    last: int
    context: ContextSettings | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What the decoder sees of B images.

    features; fine_difference (B, F, h, w), coarse_difference (B, C, h/2, w/2); fine_scalars (B, 3, h, w): log ratios to
    memory and to itself, memory there or not; coarse_scalars (B, 2, h/2, w/2).
    """

    features: StudentFeatures
    fine_difference: Tensor
    coarse_difference: Tensor
    fine_scalars: Tensor
    coarse_scalars: Tensor


def gather(features: StudentFeatures, comparisons: Sequence[Comparison | None]) -> Evidence:
    """Evidence of B images; ``comparisons[i]`` None = no memory."""
    own_fine, own_fine_ratio = _own_difference(features.fine)
    own_coarse, own_coarse_ratio = _own_difference(features.coarse)
    zero_fine, zero_coarse = torch.zeros_like(own_fine_ratio[0]), torch.zeros_like(own_coarse_ratio[0])
    fine_differences, coarse_differences, fine_scalars, coarse_scalars = [], [], [], []
    for index, comparison in enumerate(comparisons):
        known = comparison is not None
        fine_differences.append(comparison.fine.vector if comparison else own_fine[index])
        coarse_differences.append(comparison.coarse.vector if comparison else own_coarse[index])
        fine_ratio = comparison.fine.ratio if comparison else zero_fine
        coarse_ratio = comparison.coarse.ratio if comparison else zero_coarse
        flag = torch.full_like(fine_ratio, float(known))
        fine_scalars.append(torch.stack([_compressed(fine_ratio), _compressed(own_fine_ratio[index]), flag]))
        coarse_scalars.append(torch.stack([_compressed(coarse_ratio), _compressed(own_coarse_ratio[index])]))
    return Evidence(
        features=features,
        fine_difference=_stacked(fine_differences),
        coarse_difference=_stacked(coarse_differences),
        fine_scalars=_stacked(fine_scalars),
        coarse_scalars=_stacked(coarse_scalars),
    )


def _stacked(images: Sequence[Tensor]) -> Tensor:
    """(C, h, w) each -> (B, C, h, w) channels last, like the features beside which they go into convolutions."""
    return torch.stack([image.permute(1, 2, 0) for image in images]).permute(0, 3, 1, 2)


def _own_difference(features: Tensor) -> tuple[Tensor, Tensor]:
    """(difference from the image's own mean (B, D, h, w), its length over the usual length (B, h, w))."""
    difference = features - features.mean(dim=(2, 3), keepdim=True)
    length = difference.norm(dim=1)
    return difference, length / length.mean(dim=(1, 2), keepdim=True).clamp_min(1e-6)


def _compressed(ratio: Tensor) -> Tensor:
    return torch.log1p(ratio.clamp(0, _MOST_RATIO))


class Decoder(nn.Module):
    """Evidence of B images -> logits (B, H/4, W/4) that a place is defective."""

    def __init__(self, settings: DecoderSettings, *, fine_dims: int, coarse_dims: int, detail_dims: int) -> None:
        super().__init__()
        upper, lower = settings.widths
        self.fine_in = nn.Conv2d(2 * fine_dims, settings.projected, 1)
        self.coarse_in = nn.Conv2d(2 * coarse_dims, settings.projected, 1)
        below = settings.projected + upper + 2
        self.lower = nn.Sequential(_convolution(below, lower), _Residual(lower), _Residual(lower))
        self.context = (
            None
            if settings.context is None
            else Context(settings.context, planes=below + 2 * detail_dims, outputs=lower + 1)
        )
        self.upper = _convolution(settings.projected + 3, upper)
        self.joined = nn.Sequential(_convolution(upper + lower, upper), _Residual(upper))
        self.last = nn.Sequential(_convolution(upper + detail_dims, settings.last), nn.Conv2d(settings.last, 1, 1))

    def forward(self, evidence: Evidence, *, lone_context: float = _LONE_CONTEXT) -> Tensor:
        """See the class. ``lone_context``: how much the context counts for images without a memory, 0 to 1."""
        features = evidence.features
        fine = torch.cat([features.fine, evidence.fine_difference], dim=1)  # (B, 2F, h, w)
        coarse = torch.cat([features.coarse, evidence.coarse_difference], dim=1)  # (B, 2C, h/2, w/2)
        upper = self.upper(torch.cat([F.relu(self.fine_in(fine)), evidence.fine_scalars], dim=1))  # (B, U, h, w)
        below = [F.relu(self.coarse_in(coarse)), F.avg_pool2d(upper, 2), evidence.coarse_scalars]
        known = evidence.fine_scalars[:, 2:, :1, :1]  # (B, 1, 1, 1): 1 with a memory, 0 without
        trust = known + lone_context * (1 - known)
        lower, whole = self._below(torch.cat(below, dim=1), features.detail, trust)  # (B, L, h/2, w/2), (B, 1, …)
        raised = F.interpolate(lower, size=upper.shape[-2:], mode="bilinear", align_corners=False)
        joined = self.joined(torch.cat([upper, raised], dim=1))  # (B, U, h, w)
        size = features.detail.shape[-2:]
        joined = F.interpolate(joined, size=size, mode="bilinear", align_corners=False)
        logits: Tensor = self.last(torch.cat([joined, features.detail], dim=1))  # (B, 1, H/4, W/4)
        if whole is not None:
            logits = logits + F.interpolate(whole, size=size, mode="bilinear", align_corners=False)
        return logits[:, 0]

    def _below(self, planes: Tensor, detail: Tensor, trust: Tensor) -> tuple[Tensor, Tensor | None]:
        """(stride 16 (B, L, h, w), the context's own opinion as logits (B, 1, h, w))."""
        first, rest = self.lower[0], self.lower[1:]
        lower = first(planes)
        if self.context is None:
            return rest(lower), None
        # How rough the surface is there: mean and deviation of what has no target of a teacher's.
        cell = detail.shape[-1] // planes.shape[-1]
        mean = F.avg_pool2d(detail, cell)
        rough = (F.avg_pool2d(detail.square(), cell) - mean.square()).clamp_min(0).add(1e-6).sqrt()
        seen = trust * self.context(torch.cat([planes, mean, rough], dim=1))
        return rest(lower + seen[:, :-1]), seen[:, -1:]


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True))
