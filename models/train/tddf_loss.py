"""The losses of the text-driven defect focuser (SYSTEMS A.2.3, Eq. 4 and 5; A.2.6), in the readings of Q2 and Q3."""

import torch
from torch import Tensor
from torch.nn import functional as F


def signed_hinge(delta: Tensor, defect: Tensor, *, margin: float = 0.0, signed: bool = True) -> Tensor:
    """Mean of max(0, s delta + margin), s = +1 on normal patches and -1 on defective ones.

    delta, defect (…), bool. Each class counts alike, since a defect covers few patches; with normal patches alone it is
    Eq. 4. ``signed`` False: Eq. 4 as printed, which pulls defective patches to the normal text, too.
    """
    signs = torch.where(defect, -1.0, 1.0) if signed else torch.ones_like(delta)
    return _balanced(F.relu(signs * delta + margin), defect)


def separation(normal: Tensor, abnormal: Tensor, *, margin: float, literal: bool = False) -> Tensor:
    """max(0, margin - |e_n - e_a|)^2 of texts (D,): nothing once they lie apart.

    ``literal``: |e_n - e_a|^2, the plus sign of Eq. 5, which merges them.
    """
    # The root's gradient at 0 would be NaN where both texts are the same.
    apart = (normal - abnormal).square().sum().clamp_min(1e-12).sqrt()
    return apart.square() if literal else F.relu(margin - apart).square()


def pixel_loss(shares: Tensor, defect: Tensor) -> Tensor:
    """L_I: cross entropy of a map (…) in (0, 1) with the mask, each class counting alike."""
    return _balanced(F.binary_cross_entropy(shares, defect.to(shares.dtype), reduction="none"), defect)


def _balanced(values: Tensor, defect: Tensor) -> Tensor:
    means = [values[each].mean() for each in (defect, ~defect) if bool(each.any())]
    return torch.stack(means).mean()
