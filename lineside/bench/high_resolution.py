"""What a megapixel of a large picture costs in time and memory, against a megapixel of small ones."""

from collections.abc import Callable
from typing import Final

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.extra_memory import extra_bytes
from lineside.bench.full_memory import SIDE_PX, FullMemory, draw_pictures, learn_full
from lineside.bench.interleaving import interleave
from lineside.bench.model_settings import ModelScale
from lineside.bench.timing import milliseconds_per_call, warm
from wire.inspector import Inspector

AIM: Final = 1.0
MEMORY_AIM: Final = 1.5

# A line-scan camera's picture of a sheet or a board.
HEIGHT_PX: Final = 2000
WIDTH_PX: Final = 4000
# Enough to fill the banks: seen from afar, each has about a thousand places. Drawing and learning one takes seconds.
_REFERENCES: Final = 5
# One takes seconds; the last repetitions of many would tell nothing new.
_MOST_REPETITIONS: Final = 7
# As many small pictures as go through the network at once.
_TOGETHER: Final = 12
_MIB: Final = 1024 * 1024


def bench_high_resolution(inspector: Inspector, memory: FullMemory, scale: ModelScale) -> list[Comparison]:
    """One part at a time, each against a full memory of pictures of its own size."""
    *references, large = draw_pictures(_REFERENCES + 1, height=HEIGHT_PX, width=WIDTH_PX)
    large_state = learn_full(inspector, references, [large]).state
    small = memory.parts[0]

    def whole_large() -> object:
        return inspector.inspect([large], [large_state])

    def whole_small() -> object:
        return inspector.inspect([small], [memory.state])

    warm(whole_large, whole_small)
    product, baseline = interleave(
        lambda: milliseconds_per_call(whole_large, 1) / _megapixels(HEIGHT_PX, WIDTH_PX),
        lambda: milliseconds_per_call(whole_small, scale.images) / _megapixels(SIDE_PX, SIDE_PX),
        min(scale.repetitions, _MOST_REPETITIONS),
    )
    return [
        Comparison(
            name="high_resolution",
            unit="ms/megapixel",
            product_side=f"recipe {inspector.recipe}, {WIDTH_PX} x {HEIGHT_PX} px",
            baseline_side=f"the same, {SIDE_PX} x {SIDE_PX} px",
            product=product,
            baseline=baseline,
            aim=AIM,
            direction=Direction.AT_MOST,
            note="one part at a time, full memories",
        ),
        _memory(inspector, whole_large, memory),
    ]


def _memory(inspector: Inspector, whole_large: Callable[[], object], memory: FullMemory) -> Comparison:
    several = [memory.parts[0]] * _TOGETHER

    def whole_small() -> object:
        return inspector.inspect(several, [memory.state] * _TOGETHER)

    small = _megapixels(SIDE_PX, SIDE_PX) * _TOGETHER
    whole_small()
    return Comparison(
        name="high_resolution, memory",
        unit="MiB/megapixel",
        product_side=f"peak while recipe {inspector.recipe} judges {WIDTH_PX} x {HEIGHT_PX} px",
        baseline_side=f"the same, {_TOGETHER} of {SIDE_PX} x {SIDE_PX} px together",
        product=tuple(extra_bytes(whole_large) / _MIB / _megapixels(HEIGHT_PX, WIDTH_PX) for _ in range(3)),
        baseline=tuple(extra_bytes(whole_small) / _MIB / small for _ in range(3)),
        aim=MEMORY_AIM,
        direction=Direction.AT_MOST,
        note="beyond weights, memories and the picture itself",
    )


def _megapixels(height: int, width: int) -> float:
    return height * width / 1e6
