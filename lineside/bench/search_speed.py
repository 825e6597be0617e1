"""The exact search in a bank, against the one matrix product that it cannot do without."""

import math
from typing import Final

import torch

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.interleaving import interleave
from lineside.bench.model_settings import ModelScale
from lineside.bench.timing import milliseconds_per_call, warm
from models.backbones.student import StudentFeatures
from models.memory.bank import Bank
from models.memory.feature_memory import FeatureMemory, compare_in_memories
from models.memory.search import nearest

# The product's result has to be read once more to find the smallest of each row; 1 is out of reach.
AIM: Final = 1.25

_VECTORS: Final = 4096
# (queries, numbers per vector): the places of a picture of 256 x 256 px on both grids of the shipped network.
SIZES: Final = ((1024, 64), (256, 192))
_SEED: Final = 11
# A batch of a worker with a backlog. On a CPU sharing a search saves nothing, and must cost nothing.
_PICTURES, _LINES = 8, 3
MANY_LINES_AIM: Final = 1.05


def bench_search(scale: ModelScale) -> list[Comparison]:
    """Both sizes, and many lines at once, on random vectors: the time does not depend on their values."""
    return [*(_compare(queries, width, scale) for queries, width in SIZES), _many_lines(scale)]


def _many_lines(scale: ModelScale) -> Comparison:
    generator = torch.Generator().manual_seed(_SEED)
    (fine, fine_width), (coarse, coarse_width) = SIZES
    memories = [
        FeatureMemory(
            fine=Bank(vectors=torch.randn(_VECTORS, fine_width, generator=generator), reach=torch.ones(_VECTORS)),
            coarse=Bank(vectors=torch.randn(_VECTORS, coarse_width, generator=generator), reach=torch.ones(_VECTORS)),
        )
        for _ in range(_LINES)
    ]
    own = [memories[picture % _LINES] for picture in range(_PICTURES)]
    side, half = math.isqrt(fine), math.isqrt(coarse)
    features = StudentFeatures(
        fine=_channels_last(torch.randn(_PICTURES, fine_width, side, side, generator=generator)),
        coarse=_channels_last(torch.randn(_PICTURES, coarse_width, half, half, generator=generator)),
        detail=torch.zeros(_PICTURES, 1, 1, 1),
    )

    def together() -> object:
        with torch.inference_mode():
            return compare_in_memories(features, own)

    def one_by_one() -> object:
        with torch.inference_mode():
            return [memory.compare(features[picture]) for picture, memory in enumerate(own)]

    warm(together, one_by_one)
    calls = max(1, scale.searches // _PICTURES)
    product, baseline = interleave(
        lambda: milliseconds_per_call(together, calls) / _PICTURES,
        lambda: milliseconds_per_call(one_by_one, calls) / _PICTURES,
        scale.repetitions,
    )
    return Comparison(
        name="search, many lines",
        unit="ms/picture",
        product_side="models.memory.feature_memory.compare_in_memories",
        baseline_side="picture by picture",
        product=product,
        baseline=baseline,
        aim=MANY_LINES_AIM,
        direction=Direction.AT_MOST,
        note=f"{_PICTURES} pictures of {_LINES} lines, both banks full ({_VECTORS} vectors)",
    )


def _channels_last(features: torch.Tensor) -> torch.Tensor:
    return features.contiguous(memory_format=torch.channels_last)


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
