"""Exact nearest neighbours of many lines at once, each in its own bank, in memory that no number of queries raises.

A line with 900 vectors and one with 10 000 share a batch: queries and banks are cut into blocks of one size, and a
matrix product takes many pairs of blocks, whosever they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from models.memory.search import nearest
from wire.errors import ShapeError

# Rows of a block of queries: about the tokens of one picture, so that a line with one picture fills its block.
_QUERIES = 256
# Vectors of a block of the bank: larger wastes more on lines with few references, smaller makes more blocks to join.
_VECTORS = 1024
# Pairs of blocks per product: 64 x 256 x 1024 distances are 64 MiB, and keep a GPU busy.
_PAIRS = 64


@dataclass(frozen=True)
class _Pair:
    """A block of queries against a block of its bank: where both begin, and the first row of its answers."""

    line: int
    query: int
    vector: int
    answer: int


def nearest_in_each(queries: Sequence[Tensor], banks: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Per line (distances (N,), indices (N,) int64) of the vector of ``banks[i]`` next to each of ``queries[i]``.

    queries (N, D), banks (M, D) with M >= 1, D of all lines alike. Of equally near vectors the first one counts.
    """
    for own, bank in zip(queries, banks, strict=True):
        if own.shape[1] != bank.shape[1] or not len(bank):
            raise ShapeError(f"queries of shape {tuple(own.shape)} against a bank of shape {tuple(bank.shape)}")
    if not queries or queries[0].device.type == "cpu":
        # A core is busy with one line; sharing would only copy.
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
    """As ``nearest_in_each``, on any device."""
    counts = [len(own) for own in queries]
    device = queries[0].device
    # Distance and index in one number, the distance above: the least of them is the nearest, and of equals the first.
    best = torch.full((sum(counts),), torch.iinfo(torch.int64).max, device=device)
    todo = _pairs(counts, [len(bank) for bank in banks], rows, columns)
    while batch := list(islice(todo, pairs)):
        block = torch.stack([_block(queries[pair.line], pair.query, rows) for pair in batch])  # (P, rows, D)
        vectors = torch.stack([_block(banks[pair.line], pair.vector, columns) for pair in batch])  # (P, columns, D)
        squares = block.square().sum(2, keepdim=True) + vectors.square().sum(2)[:, None]
        squares.baddbmm_(block, vectors.transpose(1, 2), alpha=-2)  # (P, rows, columns)
        least, place = squares.clamp_min_(0).min(dim=2)
        numbers = [(pair.vector, pair.answer, counts[pair.line] - pair.query, len(banks[pair.line])) for pair in batch]
        vector, answer, left, size = torch.tensor(numbers, device=device).T[:, :, None]  # (P, 1) each
        # Beyond a short bank its first vector stands again.
        index = torch.where(vector + place < size, vector + place, 0)
        within = torch.arange(rows, device=device)
        real, answers = within < left, answer + within
        keys = (least.view(torch.int32).long() << 32) | index
        best.scatter_reduce_(0, answers[real], keys[real], "amin")
    distances = (best >> 32).to(torch.int32).view(torch.float32).sqrt()
    return list(zip(torch.split(distances, counts), torch.split(best & 0xFFFFFFFF, counts), strict=True))


def _pairs(counts: Sequence[int], sizes: Sequence[int], rows: int, columns: int) -> Iterator[_Pair]:
    first = 0
    for line, (count, size) in enumerate(zip(counts, sizes, strict=True)):
        for query in _begins(count, rows):
            for vector in _begins(size, columns):
                yield _Pair(line, query, vector, first + query)
        first += count


def _begins(count: int, length: int) -> Iterator[int]:
    """Where blocks begin; the last one ends at the end and may overlap the one before it."""
    yield from range(0, max(count - length, 0), length)
    if count:
        yield max(count - length, 0)


def _block(vectors: Tensor, begin: int, length: int) -> Tensor:
    """(length, D); what is shorter is filled up with its first vector."""
    own = vectors[begin : begin + length]
    missing = length - len(own)
    return own if not missing else torch.cat([own, own[:1].expand(missing, -1)])
