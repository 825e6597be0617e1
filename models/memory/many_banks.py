"""Exact nearest neighbours of many lines at once, each in its own bank, in memory that no number of queries raises.

A line with 900 vectors and one with 10 000 share a batch: queries and banks are cut into blocks of one size, and a
matrix product takes many pairs of blocks, whosever they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.memory.search import nearest
from wire.errors import ShapeError

# Rows of a block of queries: about the tokens of one picture, so that a line with one picture fills its block.
_QUERIES = 256
# Vectors of a block of the bank: larger wastes more on lines with few references, smaller makes more blocks to join.
_VECTORS = 1024
# Below this a product's blocks are so small that starting them takes longer than they do.
_LEAST_VECTORS = 256
# Pairs of blocks per product: 64 x 256 x 1024 cosines are 64 MiB, and keep a GPU busy.
_PAIRS = 64


@dataclass(frozen=True)
class _Pair:
    """A block of queries against a block of its bank: where both begin, and where its answers go.

    ``answer`` is the first of them, those of the next query are ``stride`` further on; ``rows`` queries and ``groups``
    of the bank are left from here, fewer than a block has where it is filled up.
    """

    line: int
    query: int
    vector: int
    answer: int
    stride: int
    rows: int
    groups: int


def cosine_distance_in_each(
    queries: Sequence[Tensor], banks: Sequence[Tensor], *, group: int | None = None
) -> list[Tensor]:
    """Per line (N,) in [0, 2]: of each of ``queries[i]`` the least 1 - cos to a vector of ``banks[i]``.

    queries (N, D), banks (M, D) with M >= 1, all of length 1, D of all lines alike. With ``group``, which divides every
    M, (N, M / group): to a vector of each run of so many. ShapeError for other shapes.
    """
    _check(queries, banks)
    for bank in banks:
        if group is not None and len(bank) % group:
            raise ShapeError(f"a bank of {len(bank)} vectors is no groups of {group}")
    if not queries or queries[0].device.type == "cpu":
        # A core is busy with one line; sharing would only copy.
        return [_alone(own, bank, group) for own, bank in zip(queries, banks, strict=True)]
    return cosine_distance_by_blocks(queries, banks, group=group)


def cosine_distance_by_blocks(
    queries: Sequence[Tensor],
    banks: Sequence[Tensor],
    *,
    group: int | None = None,
    rows: int = _QUERIES,
    columns: int = _VECTORS,
    pairs: int = _PAIRS,
) -> list[Tensor]:
    """As ``cosine_distance_in_each``, on any device. Nothing waits for the device: it is told all, then asked once."""
    counts, sizes = [len(own) for own in queries], [len(bank) for bank in banks]
    shapes = [(count, size // (group or size)) for count, size in zip(counts, sizes, strict=True)]
    device = queries[0].device
    rows, columns = _fitted(rows, counts), _fitted_to_most(columns, sizes)
    columns = max(1, columns // group) * group if group else columns  # groups stay whole
    todo = list(_pairs(counts, sizes, rows, columns, group))
    spare = sum(count * groups for count, groups in shapes)
    best = torch.full((spare + 1,), -torch.inf, device=device)
    row, part = torch.arange(rows, device=device)[:, None], torch.arange(columns // (group or columns), device=device)
    places = torch.tensor([(pair.answer, pair.stride, pair.rows, pair.groups) for pair in todo]).view(-1, 4).to(device)
    for first in range(0, len(todo), pairs):
        batch = todo[first : first + pairs]
        block = torch.stack([_block(queries[pair.line], pair.query, rows) for pair in batch])  # (P, rows, D)
        vectors = torch.stack([_block(banks[pair.line], pair.vector, columns) for pair in batch])  # (P, columns, D)
        cosines = torch.bmm(block, vectors.transpose(1, 2))  # (P, rows, columns)
        cosines = cosines.view(len(batch), rows, len(part), -1).amax(dim=3)  # (P, rows, groups)
        own = places[first : first + len(batch)]
        answer, stride, rows_left, groups_left = own.T[:, :, None, None]  # (P, 1, 1) each
        # What fills up a short block answers nobody.
        at = torch.where((row < rows_left) & (part < groups_left), answer + row * stride + part, spare)
        best.scatter_reduce_(0, at.flatten(), cosines.flatten(), "amax")
    answers = torch.split((1 - best[:spare]).clamp_(0, 2), [count * groups for count, groups in shapes])
    return [own.view(shape) if group else own for own, shape in zip(answers, shapes, strict=True)]


def nearest_in_each(queries: Sequence[Tensor], banks: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Per line what ``search.nearest`` finds of ``queries[i]`` (N, D) in ``banks[i]`` (M, D): distances (N,), indices.

    M >= 1, D of all lines alike. ShapeError for other shapes.
    """
    _check(queries, banks)
    if not queries or queries[0].device.type == "cpu":
        return [nearest(own, bank) for own, bank in zip(queries, banks, strict=True)]
    return nearest_by_blocks(queries, banks)


def nearest_by_blocks(
    queries: Sequence[Tensor],
    banks: Sequence[Tensor],
    *,
    rows: int = _QUERIES,
    columns: int = _VECTORS,
    pairs: int = _PAIRS,
) -> list[tuple[Tensor, Tensor]]:
    """As ``nearest_in_each``, on any device, without waiting for it."""
    counts, sizes = [len(own) for own in queries], [len(bank) for bank in banks]
    device = queries[0].device
    rows, columns = _fitted(rows, counts), _fitted_to_most(columns, sizes)
    todo = list(_pairs(counts, sizes, rows, columns, None))
    spare = sum(counts)
    row = torch.arange(rows, device=device)[None]
    squares = [bank.square().sum(dim=1, keepdim=True) for bank in banks]  # (M, 1) each
    places, values, indices = [], [], []
    for first in range(0, len(todo), pairs):
        batch = todo[first : first + pairs]
        block = torch.stack([_block(queries[pair.line], pair.query, rows) for pair in batch])  # (P, rows, D)
        vectors = torch.stack([_block(banks[pair.line], pair.vector, columns) for pair in batch])  # (P, columns, D)
        lengths = torch.stack([_block(squares[pair.line], pair.vector, columns) for pair in batch])  # (P, columns, 1)
        # |q - b|^2 = |q|^2 + (|b|^2 - 2 q.b), as ``search.nearest`` has it.
        least, best = torch.baddbmm(lengths.transpose(1, 2), block, vectors.transpose(1, 2), alpha=-2).min(dim=2)
        begins, answers, left, own = (
            torch.tensor([(pair.vector, pair.answer, pair.rows, sizes[pair.line] - pair.vector) for pair in batch])
            .to(device)[:, :, None]
            .unbind(1)
        )  # (P, 1) each
        # What fills up a short bank is its first vector again; what fills up short queries answers nobody.
        indices.append(begins + torch.where(best < own, best, 0))
        places.append(torch.where(row < left, answers + row, spare))
        values.append(least)
    at, found, index = (torch.cat(each).flatten() for each in (places, values, indices))
    best_value = torch.full((spare + 1,), torch.inf, device=device).scatter_reduce_(0, at, found, "amin")
    # Of the blocks of a bank that hold an equally near vector the first one counts.
    index = torch.where(found == best_value[at], index, max(sizes))
    best_index = torch.full((spare + 1,), max(sizes), device=device).scatter_reduce_(0, at, index, "amin")
    lengths = torch.cat([own.square().sum(dim=1) for own in queries])
    distances = (best_value[:spare] + lengths).clamp_min_(0).sqrt_()
    return list(zip(torch.split(distances, counts), torch.split(best_index[:spare], counts), strict=True))


def _fitted(rows: int, counts: Sequence[int]) -> int:
    """Rows of a block of queries: no more than any line has."""
    return max(1, min(rows, max(counts)))


def _fitted_to_most(columns: int, sizes: Sequence[int]) -> int:
    """Vectors of a block of banks. Most lines of a site have memories of one size.

    A block of just that size is cut without a copy; longer banks have their last block overlap, and only shorter ones
    are filled up.
    """
    return min(columns, max(_LEAST_VECTORS, sorted(sizes)[len(sizes) // 2]))


def _check(queries: Sequence[Tensor], banks: Sequence[Tensor]) -> None:
    for own, bank in zip(queries, banks, strict=True):
        if own.shape[1] != bank.shape[1] or not len(bank):
            raise ShapeError(f"queries of shape {tuple(own.shape)} against a bank of shape {tuple(bank.shape)}")


def _alone(queries: Tensor, bank: Tensor, group: int | None) -> Tensor:
    length = group or len(bank)
    # One buffer for all blocks: freed and taken anew, blocks of this size were not reused by the allocator (measured).
    buffer = queries.new_empty(min(len(queries), _QUERIES), len(bank))
    best = queries.new_empty(len(queries), len(bank) // length)
    for block, answers in zip(torch.split(queries, _QUERIES), torch.split(best, _QUERIES), strict=True):
        cosines = torch.mm(block, bank.T, out=buffer[: len(block)])
        torch.amax(cosines.view(*answers.shape, length), dim=2, out=answers)
    distances = best.neg_().add_(1).clamp_(0, 2)
    return distances if group else distances[:, 0]


def _pairs(counts: Sequence[int], sizes: Sequence[int], rows: int, columns: int, group: int | None) -> Iterator[_Pair]:
    first = 0
    for line, (count, size) in enumerate(zip(counts, sizes, strict=True)):
        length = group or size
        groups = size // length
        for query in _begins(count, rows):
            for vector in _begins(size, columns):
                passed = vector // length
                yield _Pair(
                    line=line,
                    query=query,
                    vector=vector,
                    answer=first + query * groups + passed,
                    stride=groups,
                    rows=count - query,
                    groups=groups - passed,
                )
        first += count * groups


def _begins(count: int, length: int) -> Iterator[int]:
    """Where blocks begin; the last one ends at the end and may overlap the one before it."""
    yield from range(0, max(count - length, 0), length)
    if count:
        yield max(count - length, 0)


def _block(vectors: Tensor, begin: int, length: int) -> Tensor:
    """(length, D); what is shorter is filled up with its first vector, which changes no nearest one."""
    own = vectors[begin : begin + length]
    missing = length - len(own)
    return own if not missing else torch.cat([own, own[:1].expand(missing, -1)])
