"""The whole recipe's time on a picture, against the forward pass of a ResNet-18 on the same picture."""

from typing import Final

import torch
from torchvision.models import resnet18

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.full_memory import SIDE_PX, FullMemory
from lineside.bench.interleaving import interleave
from lineside.bench.model_settings import ModelScale
from lineside.bench.timing import milliseconds_per_call, warm
from wire.frame import RGB
from wire.inspector import Inspector

AIM: Final = 1.0


def bench_resnet18(inspector: Inspector, memory: FullMemory, scale: ModelScale) -> list[Comparison]:
    """One part at a time: how long ``inspect`` takes, from pixels to the finding."""
    part, state = memory.parts[0], memory.state
    # Untrained: what the weights are changes nothing about the time. Channels last: its faster layout on a CPU.
    network = resnet18(weights=None).eval().to(memory_format=torch.channels_last)
    picture = torch.from_numpy(part.images[RGB]).permute(2, 0, 1)[None].float() / 255  # (1, 3, H, W)
    picture = picture.contiguous(memory_format=torch.channels_last)

    def whole_recipe() -> object:
        return inspector.inspect([part], [state])

    def forward_pass() -> object:
        with torch.inference_mode():
            return network(picture)

    warm(whole_recipe, forward_pass)
    product, baseline = interleave(
        lambda: milliseconds_per_call(whole_recipe, scale.images),
        lambda: milliseconds_per_call(forward_pass, scale.images),
        scale.repetitions,
    )
    return [
        Comparison(
            name="resnet18",
            unit="ms/picture",
            product_side=f"recipe {inspector.recipe}, one part",
            baseline_side="forward pass of torchvision's ResNet-18",
            product=product,
            baseline=baseline,
            aim=AIM,
            direction=Direction.AT_MOST,
            note=f"{SIDE_PX} x {SIDE_PX} px; vectors in memory: {memory.vectors}",
        )
    ]
