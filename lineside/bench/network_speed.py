"""The whole recipe's time, against its own feature network alone: what memory, decoder and everything else add."""

from typing import Final

import torch

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.full_memory import SIDE_PX, FullMemory
from lineside.bench.interleaving import interleave
from lineside.bench.model_settings import ModelScale
from lineside.bench.timing import milliseconds_per_call, warm
from models.backbones.student import Student
from wire.frame import RGB
from wire.inspector import Inspector

AIM: Final = 1.3
# One part as it comes, and what a worker takes together from a backlog.
BATCHES: Final = (1, 8)


def bench_network(inspector: Inspector, student: Student, memory: FullMemory, scale: ModelScale) -> list[Comparison]:
    """Per picture, one part at a time and in batches."""
    return [_compare(inspector, student, memory, batch, scale) for batch in BATCHES]


def _compare(inspector: Inspector, student: Student, memory: FullMemory, batch: int, scale: ModelScale) -> Comparison:
    parts, states = memory.parts[:batch], [memory.state] * batch
    pictures = torch.stack([torch.from_numpy(part.images[RGB]).permute(2, 0, 1) for part in parts]).float() / 255
    pictures = pictures.contiguous(memory_format=torch.channels_last)  # (B, 3, H, W), as the recipe hands them over

    def whole_recipe() -> object:
        return inspector.inspect(parts, states)

    def network_alone() -> object:
        with torch.inference_mode():
            return student(pictures)

    warm(whole_recipe, network_alone)
    calls = max(1, scale.images // batch)
    product, baseline = interleave(
        lambda: milliseconds_per_call(whole_recipe, calls) / batch,
        lambda: milliseconds_per_call(network_alone, calls) / batch,
        scale.repetitions,
    )
    return Comparison(
        name=f"network, batch of {batch}",
        unit="ms/picture",
        product_side=f"recipe {inspector.recipe}",
        baseline_side="its feature network alone",
        product=product,
        baseline=baseline,
        aim=AIM,
        direction=Direction.AT_MOST,
        note=f"{SIDE_PX} x {SIDE_PX} px; vectors in memory: {memory.vectors}",
    )
