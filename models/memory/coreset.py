"""A bounded bank: greedy k-center over patches, so that every patch kept out lies near one kept in."""

import torch
from torch import Tensor

from models.settings import PartSettings


class CoresetSettings(PartSettings):
    """Greedy k-center on at most ``candidates`` patches, seen through a random projection to ``projected_dims``.

    Approximation: distances in a Gaussian projection to d dimensions are right within about 1 / sqrt(d) (25 % at 16);
    patches beyond ``candidates`` are left out by chance, evenly over the references. The search itself stays exact.
    """

    candidates: int
    projected_dims: int
    seed: int


def select_coreset(vectors: Tensor, sources: Tensor, size: int, settings: CoresetSettings) -> Tensor:
    """Indices (K,) int64, ascending, K = min(size, N), of vectors (N, D) coming from images sources (N,) int64.

    Every image keeps at least one vector while ``size`` allows. The same input gives the same indices.
    """
    count = len(vectors)
    if count <= size:
        return torch.arange(count)
    generator = torch.Generator().manual_seed(settings.seed)
    order = torch.randperm(count, generator=generator)
    pool = _thin(order, sources, max(settings.candidates, size))
    projection = torch.randn(vectors.shape[1], settings.projected_dims, generator=generator)
    points = (vectors[pool] @ projection).contiguous()  # (N', d)
    squares = points.square().sum(dim=1)
    chosen = _first_of_each(sources[pool])[:size]
    distance = torch.full((len(pool),), torch.inf)
    for index in chosen:
        _approach(distance, points, squares, index)
    while len(chosen) < size:
        farthest = int(distance.argmax())
        chosen.append(farthest)
        _approach(distance, points, squares, farthest)
    return pool[torch.tensor(chosen)].sort().values


def _approach(distance: Tensor, points: Tensor, squares: Tensor, index: int) -> None:
    """Lower the squared distance (N',) of every point to the set, now that ``index`` is in it."""
    to_new = torch.addmv(squares, points, points[index], alpha=-2).add_(squares[index])
    torch.minimum(distance, to_new, out=distance)
    distance[index] = -torch.inf  # rounding must not bring it up again


def _thin(order: Tensor, sources: Tensor, limit: int) -> Tensor:
    """Keep about ``limit`` of the shuffled indices, the same number from every image as far as they reach."""
    if len(order) <= limit:
        return order
    images = int(sources.max()) + 1
    shuffled = sources[order]
    rank = torch.empty_like(shuffled)
    for image in range(images):
        at = (shuffled == image).nonzero()[:, 0]
        rank[at] = torch.arange(len(at))
    return order[rank.argsort(stable=True)[:limit].sort().values]


def _first_of_each(sources: Tensor) -> list[int]:
    seen: dict[int, int] = {}
    for index, source in enumerate(sources.tolist()):
        seen.setdefault(source, index)
    return list(seen.values())
