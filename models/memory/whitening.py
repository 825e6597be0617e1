"""Whitening by reference statistics: directions that vary little on good parts count more."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.settings import PartSettings


class WhiteningSettings(PartSettings):
    """``dims`` kept, directions divided by (eigenvalue ** power / 2), eigenvalues floored.

    ``power`` 1 = full whitening, 0 = rotation only. ``noise_floor``: smallest standard deviation of a feature that is
    believed, in the feature's unit; without it a constant feature (colour of a grey camera) would decide everything.
    """

    dims: int
    power: float
    eigenvalue_floor: float
    noise_floor: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Whitening:
    """x (N, C) -> (x - mean (C,)) @ projection (C, D)."""

    mean: Tensor
    projection: Tensor

    def __call__(self, vectors: Tensor) -> Tensor:
        """(N, C) -> (N, D)."""
        return (vectors - self.mean) @ self.projection


def fit_whitening(vectors: Tensor, settings: WhiteningSettings) -> Whitening:
    """Statistics of vectors (N, C), N >= 2, in float64; deterministic, signs of the eigenvectors fixed."""
    exact = vectors.cpu().double()  # small, and the same on every device
    mean = exact.mean(dim=0)
    deviation = exact.std(dim=0).clamp_min(settings.noise_floor)
    scaled = (exact - mean) / deviation
    covariance = scaled.T @ scaled / max(len(scaled) - 1, 1)  # (C, C)
    values, directions = torch.linalg.eigh(covariance)
    values, directions = values.flip(0), directions.flip(1)
    keep = min(settings.dims, len(values))
    values, directions = values[:keep], directions[:, :keep]
    # LAPACK leaves signs open; the largest entry of each direction is made positive.
    peak = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))  # (1, D)
    directions = directions * torch.where(peak < 0, -1.0, 1.0)
    values = values.clamp_min(settings.eigenvalue_floor * float(values[0].clamp_min(1e-12)))
    projection = directions / values ** (settings.power / 2) / deviation[:, None]
    return Whitening(mean=mean.float().to(vectors.device), projection=projection.float().to(vectors.device))
