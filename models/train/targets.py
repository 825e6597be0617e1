"""What the student predicts: the teacher's features, centred, turned to few dimensions, partly whitened."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

# 0 leaves the teacher's distances as they are, 1 makes all directions count alike. In between, a nearest-neighbour
# memory on the projected features separates as well as one on all 1024 channels.
_WHITENING_POWER = 0.5


@dataclass(frozen=True, eq=False)
class Projection:
    """mean (C,) and matrix (C, D): features -> targets with mean square 1."""

    mean: Tensor
    matrix: Tensor

    @classmethod
    def fit(cls, features: Iterable[Tensor], dims: int) -> Self:
        """From maps (B, C, h, w). All of them are read once; sums in float64."""
        count, total, square = 0, torch.zeros(()), torch.zeros(())
        for batch in features:
            vectors = batch.permute(0, 2, 3, 1).reshape(-1, batch.shape[1]).double()  # (B·h·w, C)
            count += len(vectors)
            total = total + vectors.sum(0)
            square = square + vectors.T @ vectors
        if not count:
            raise ValueError("no features to fit a projection to")
        mean = total / count
        values, directions = torch.linalg.eigh(square / count - torch.outer(mean, mean))
        values, directions = values.flip(0)[:dims].clamp_min(1e-12), directions.flip(1)[:, :dims]
        if len(mean) < dims:
            # A teacher with fewer features than the student predicts: the rest is a constant.
            directions = torch.nn.functional.pad(directions, (0, dims - len(mean)))
            values = torch.nn.functional.pad(values, (0, dims - len(mean)), value=1.0)
        matrix = directions * values.pow(-_WHITENING_POWER / 2)
        matrix = matrix / values.pow(1 - _WHITENING_POWER).mean().sqrt()
        return cls(mean.float(), matrix.float())

    def __call__(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, D, h, w)."""
        return torch.einsum("bchw,cd->bdhw", features - self.mean[:, None, None], self.matrix)
