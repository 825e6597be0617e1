"""Searches in the banks of token recipes, for many lines at once: against bare products, and against faiss."""

import importlib
from collections.abc import Callable
from typing import Final

import torch
from torch.nn import functional as F

from lineside.bench.anomalib_environment import Unavailable
from lineside.bench.comparison import Comparison, Direction
from lineside.bench.extra_memory import extra_bytes
from lineside.bench.interleaving import interleave
from lineside.bench.model_settings import ModelScale
from lineside.bench.timing import milliseconds_per_call, warm
from models.memory.many_banks import cosine_distance_in_each

# The product's result has to be read once more to find the smallest of each row; 1 is out of reach.
AIM_PRODUCT: Final = 1.3
# faiss does the same product and keeps the best of each row: as fast as that is what can be had.
AIM_FAISS: Final = 1.1
AIM_MEMORY: Final = 1.2

# Tokens of a picture and width of the published backbone, ViT-B/16+ at 240 px; lines from 4 references to a full bank.
_QUERIES, _WIDTH = 225, 896
_BANKS: Final = (900, 4096, 10_000)
_SEED: Final = 11
_MANY, _FEW = 64, 4
_MIB: Final = 1024 * 1024


def bench_token_search(scale: ModelScale) -> list[Comparison]:
    """On random vectors: the time does not depend on their values."""
    generator = torch.Generator().manual_seed(_SEED)
    queries = [F.normalize(torch.randn(_QUERIES, _WIDTH, generator=generator), dim=1) for _ in _BANKS]
    banks = [F.normalize(torch.randn(size, _WIDTH, generator=generator), dim=1) for size in _BANKS]

    def search() -> object:
        with torch.inference_mode():
            return cosine_distance_in_each(queries, banks)

    def products() -> object:
        with torch.inference_mode():
            return [own @ bank.T for own, bank in zip(queries, banks, strict=True)]

    found = [_compared("bare products", search, "matrix products of the same sizes", products, AIM_PRODUCT, scale)]
    try:
        faiss = importlib.import_module("faiss")
    except ModuleNotFoundError as missing:
        raise Unavailable("needs faiss-cpu (extra dev)") from missing
    faiss.omp_set_num_threads(torch.get_num_threads())
    indices = []
    for bank in banks:
        index = faiss.IndexFlatIP(_WIDTH)
        index.add(bank.numpy())
        indices.append(index)
    arrays = [own.numpy() for own in queries]

    def flat() -> object:
        return [index.search(own, 1) for index, own in zip(indices, arrays, strict=True)]

    found.append(_compared("faiss", search, "faiss-cpu IndexFlatIP, k = 1", flat, AIM_FAISS, scale))
    found.append(_memory(queries[0], banks[1]))
    return found


def _compared(
    name: str,
    search: Callable[[], object],
    baseline_side: str,
    baseline: Callable[[], object],
    aim: float,
    scale: ModelScale,
) -> Comparison:
    warm(search, baseline)
    product, other = interleave(
        lambda: milliseconds_per_call(search, max(1, scale.searches // 4)),
        lambda: milliseconds_per_call(baseline, max(1, scale.searches // 4)),
        scale.repetitions,
    )
    return Comparison(
        name=f"token search, {name}",
        unit="ms",
        product_side="models.memory.many_banks.cosine_distance_in_each",
        baseline_side=baseline_side,
        product=product,
        baseline=other,
        aim=aim,
        direction=Direction.AT_MOST,
        note=f"{len(_BANKS)} lines, {_QUERIES} tokens of {_WIDTH} numbers each, banks of {', '.join(map(str, _BANKS))}",
    )


def _memory(queries: torch.Tensor, bank: torch.Tensor) -> Comparison:
    many, few = queries.repeat(_MANY, 1), queries.repeat(_FEW, 1)

    def beyond_answers(own: torch.Tensor) -> float:
        with torch.inference_mode():
            extra = extra_bytes(lambda: cosine_distance_in_each([own], [bank]))
        answers = len(own) * 4  # a distance each, twice while they are joined
        return max(extra - 2 * answers, _MIB) / _MIB

    # What a first call reserves for good belongs to neither side.
    beyond_answers(many)
    return Comparison(
        name="token search, memory",
        unit="MiB",
        product_side=f"peak beside the answers, {_MANY} pictures' tokens",
        baseline_side=f"of {_FEW} pictures' tokens",
        product=tuple(beyond_answers(many) for _ in range(3)),
        baseline=tuple(beyond_answers(few) for _ in range(3)),
        aim=AIM_MEMORY,
        direction=Direction.AT_MOST,
        note=f"a bank of {len(bank)} vectors",
    )
