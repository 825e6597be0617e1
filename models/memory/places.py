"""What each place of a fixtured part looks like: sees what is missing, which no bank of patches can.

A blank patch where a mark should be is like many good patches; only its place makes it wrong. Parts that do not lie
in a fixture vary at every place, so for them this memory widens by itself and stays silent.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

# How many places of the average spread each place starts with: few references know their own spread badly.
_PRIOR_REFERENCES = 4.0
# Fewer aligned references than this say nothing about a place.
MIN_REFERENCES = 4
# Whitened units: identical references must not make noise infinitely unusual (see the bank's reach).
_LEAST_TYPICAL = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """mean (D, h, w) of whitened patches at each place; ``spread`` (h, w): root mean square distance to it."""

    mean: Tensor
    spread: Tensor

    def ratios(self, patches: Tensor) -> Tensor:
        """Compare patches (D, h, w) -> (h, w): distance to the place's mean over its spread; about 1 on good parts."""
        distance: Tensor = torch.linalg.vector_norm(patches - self.mean, dim=0)
        return distance / self.spread

    def fits(self, patches: Tensor) -> bool:
        """Whether ``patches`` (D, h, w) have the same grid."""
        return patches.shape == self.mean.shape


def build_places(patches: Tensor, valid: Tensor) -> tuple[Places, Tensor]:
    """(places, ratios (N, h, w) of each image against the others).

    patches (N, D, h, w), N >= ``MIN_REFERENCES``; valid (N, h, w) bool. Where fewer than three images are valid, the
    spread is infinite: the place is not judged.
    """
    weight = valid.to(patches.dtype)  # (N, h, w)
    number = weight.sum(dim=0)
    mean = (patches * weight[:, None]).sum(dim=0) / number.clamp_min(1)
    # Leaving one image out moves the mean: |x - mean of the others| = |x - mean| n / (n - 1).
    off = (patches - mean).norm(dim=1) * (number / (number - 1).clamp_min(1)) * weight
    squares = off.square()
    total = squares.sum(dim=0)
    typical = (total.sum() / number.sum().clamp_min(1)).clamp_min(_LEAST_TYPICAL**2)
    places = Places(mean=mean, spread=_spread(total, number, typical))
    left_out = torch.stack(
        [off[i] / _spread(total - squares[i], number - weight[i], typical) for i in range(len(patches))]
    )
    return places, left_out


def _spread(total: Tensor, number: Tensor, typical: Tensor) -> Tensor:
    spread = ((total.clamp_min(0) + _PRIOR_REFERENCES * typical) / (number + _PRIOR_REFERENCES)).sqrt()
    return torch.where(number < 2, torch.inf, spread)
