"""A bounded bank: greedy k-center over patches, so that every patch kept out lies near one kept in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

import torch
from torch import Tensor

from models.memory.search import nearest
from models.settings import PartSettings


class CoresetSettings(PartSettings):
    """Greedy k-center on at most ``candidates`` patches, seen through a random projection to ``projected_dims``.

    Approximation: distances in a Gaussian projection to d dimensions are right within about 1 / sqrt(d) (25 % at 16).
    Of more patches than ``candidates`` a quarter are those least like a sample of all, since chance would lose what is
    rare (corners of large pictures), the others are drawn evenly over the references. The search itself stays exact.
    """

    candidates: int
    projected_dims: int
    seed: int


# Of the candidates, how many are the rarest patches; and among how many drawn ones a patch counts as rare.
_RARE_SHARE: Final = 0.25
_SAMPLE: Final = 1024
# The greedy choice goes on among so many of the farthest patches before all others are told what was chosen. Fewer make
# more rounds, more make longer steps: 16 384 patches, 4096 chosen: .15 s at 1024, .27 at 256, .32 at 4096, 1.0 at all.
_FARTHEST: Final = 1024
# Patches that are told at once: their distances to what was chosen, a few hundred, stay in the cache.
_TOLD: Final = 1024


@dataclass(frozen=True, eq=False)
class _Candidates:
    """indices (N',) of the vectors that may be chosen, their projections points (N', d), squares (N',)."""

    indices: Tensor
    points: Tensor
    squares: Tensor

    @classmethod
    def of(cls, vectors: Tensor, sources: Tensor, size: int, settings: CoresetSettings) -> Self:
        """The same for the same input, whoever asks."""
        generator = torch.Generator().manual_seed(settings.seed)
        order = torch.randperm(len(vectors), generator=generator)
        projection = torch.randn(vectors.shape[1], settings.projected_dims, generator=generator)
        limit = max(settings.candidates, size)
        if len(vectors) <= limit:
            indices, points = order, (vectors[order] @ projection).contiguous()
        else:
            every = vectors @ projection
            indices = _thin(order, sources, every, limit)
            points = every[indices].contiguous()
        return cls(indices, points, points.square().sum(dim=1))


def candidates(vectors: Tensor, sources: Tensor, size: int, settings: CoresetSettings) -> Tensor:
    """Indices (N',) int64, ascending, of the vectors among which ``select_coreset`` chooses ``size``."""
    if len(vectors) <= max(settings.candidates, size):
        return torch.arange(len(vectors))
    return _Candidates.of(vectors, sources, size, settings).indices.sort().values


def select_coreset(vectors: Tensor, sources: Tensor, size: int, settings: CoresetSettings) -> Tensor:
    """Indices (K,) int64, ascending, K = min(size, N), of vectors (N, D) coming from images sources (N,) int64.

    Every image keeps at least one vector while ``size`` allows. The same input gives the same indices.
    """
    if len(vectors) <= size:
        return torch.arange(len(vectors))
    pool = _Candidates.of(vectors, sources, size, settings)
    distance = torch.full((len(pool.indices),), torch.inf)
    chosen = _first_of_each(sources[pool.indices])[:size]
    for index in chosen:
        _approach(distance, pool, index)
    chosen += _farthest(distance, pool, size - len(chosen))
    return pool.indices[torch.tensor(chosen)].sort().values


def in_place_of_each(
    vectors: Tensor, sources: Tensor, keep: Tensor, size: int, settings: CoresetSettings, *, images: Iterable[int]
) -> Iterator[Tensor]:
    """For each of ``images`` the indices (K,) int64 of what is chosen in the place of its own vectors in ``keep``.

    ``keep`` is what ``select_coreset`` chose. Where an image's vectors lie, others were passed over because of them, so
    the greedy choice goes on among the other images until it is as large as before. Quick, and nearly a choice that the
    image had no part in: what was kept of the others still keeps away from where its vectors were.
    """
    owners = sources[keep]
    if len(vectors) <= size:
        for _ in images:
            yield keep[:0]
        return
    pool = _Candidates.of(vectors, sources, size, settings)
    place = torch.full((len(vectors),), -1)
    place[pool.indices] = torch.arange(len(pool.indices))
    kept = place[keep]
    pool_sources = sources[pool.indices]
    distances, index = nearest(pool.points, pool.points[kept])
    for image in images:
        own = owners == image
        distance = distances.square()
        lost = (own[index] & (pool_sources != image)).nonzero()[:, 0]
        distance[lost] = nearest(pool.points[lost], pool.points[kept[~own]])[0].square()
        distance[kept] = distance[pool_sources == image] = -torch.inf
        free = int(torch.isfinite(distance).sum())
        chosen = _farthest(distance, pool, min(int(own.sum()), free))
        yield pool.indices[torch.tensor(chosen, dtype=torch.int64)]


def _farthest(distance: Tensor, pool: _Candidates, count: int) -> list[int]:
    """Choose ``count`` times the place that is farthest from all chosen before; ``distance`` (N',) is used up.

    The farthest few go first, by themselves: distances only fall, so as long as one of them is farther than what was
    the farthest of all others, it is the farthest of all.
    """
    chosen: list[int] = []
    while len(chosen) < count:
        few = min(_FARTHEST, len(distance))
        own, places = distance.topk(few)
        others = float(own[-1]) if few < len(distance) else -torch.inf
        within = _Candidates(places, pool.points[places], pool.squares[places])
        found: list[int] = []
        while len(chosen) + len(found) < count:
            farthest, index = own.max(dim=0)
            if found and float(farthest) < others:
                break
            found.append(int(index))
            _approach(own, within, found[-1])
        new = places[torch.tensor(found)]
        _tell(distance, pool, new)
        chosen += new.tolist()
    return chosen


def _tell(distance: Tensor, pool: _Candidates, new: Tensor) -> None:
    """As ``_approach`` of each of ``new`` (k,), in blocks that stay in the cache."""
    points, squares = pool.points[new].T, pool.squares[new]
    blocks = (torch.split(each, _TOLD) for each in (distance, pool.points, pool.squares))
    for own, block, block_squares in zip(*blocks, strict=True):
        to_new = torch.addmm(squares, block, points, alpha=-2).amin(dim=1)
        torch.minimum(own, to_new.add_(block_squares), out=own)
    distance[new] = -torch.inf


def _approach(distance: Tensor, pool: _Candidates, index: int) -> None:
    """Lower the squared distance (N',) of every point to the set, now that ``index`` is in it."""
    to_new = torch.addmv(pool.squares, pool.points, pool.points[index], alpha=-2).add_(pool.squares[index])
    torch.minimum(distance, to_new, out=distance)
    distance[index] = -torch.inf  # rounding must not bring it up again


def _thin(order: Tensor, sources: Tensor, points: Tensor, limit: int) -> Tensor:
    """``limit`` of the shuffled indices: the rarest of ``points`` (N, d), then as many from every image as it has."""
    rare = nearest(points, points[order[:_SAMPLE]])[0].topk(int(limit * _RARE_SHARE)).indices
    is_rare = torch.zeros(len(order), dtype=torch.bool)
    is_rare[rare] = True
    usual = order[~is_rare[order]]
    images = int(sources.max()) + 1
    shuffled = sources[usual]
    rank = torch.empty_like(shuffled)
    for image in range(images):
        at = (shuffled == image).nonzero()[:, 0]
        rank[at] = torch.arange(len(at))
    drawn = usual[rank.argsort(stable=True)[: limit - len(rare)].sort().values]
    return torch.cat([rare.sort().values, drawn])


def _first_of_each(sources: Tensor) -> list[int]:
    seen: dict[int, int] = {}
    for index, source in enumerate(sources.tolist()):
        seen.setdefault(source, index)
    return list(seen.values())
