"""The exact search in a bank, against the one matrix product that it cannot do without."""

from typing import Final

import torch

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.interleaving import interleave
from lineside.bench.model_settings import ModelScale
from lineside.bench.timing import milliseconds_per_call, warm
from models.memory.search import nearest

# The product's result has to be read once more to find the smallest of each row; 1 is out of reach.
AIM: Final = 1.25

_VECTORS: Final = 4096
# (queries, numbers per vector): the places of a picture of 256 x 256 px on both grids of the shipped network.
SIZES: Final = ((1024, 64), (256, 192))
_SEED: Final = 11


def bench_search(scale: ModelScale) -> list[Comparison]:
    """Both sizes, on random vectors: the time does not depend on their values."""
    return [_compare(queries, width, scale) for queries, width in SIZES]


def _compare(count: int, width: int, scale: ModelScale) -> Comparison:
    generator = torch.Generator().manual_seed(_SEED)
    queries = torch.randn(count, width, generator=generator)
    bank = torch.randn(_VECTORS, width, generator=generator)

    def search() -> object:
        with torch.inference_mode():
            return nearest(queries, bank)

    def matrix_product() -> object:
        with torch.inference_mode():
            return queries @ bank.T

    warm(search, matrix_product)
    product, baseline = interleave(
        lambda: milliseconds_per_call(search, scale.searches),
        lambda: milliseconds_per_call(matrix_product, scale.searches),
        scale.repetitions,
    )
    return Comparison(
        name=f"search, {width} numbers",
        unit="ms",
        product_side="models.memory.search.nearest",
        baseline_side="a matrix product of the same size",
        product=product,
        baseline=baseline,
        aim=AIM,
        direction=Direction.AT_MOST,
        note=f"{count} places, {_VECTORS} vectors",
    )
