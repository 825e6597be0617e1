"""A token recipe's time on pictures, from pixels to findings, against its backbone alone; SAM aside."""

from typing import Final
from uuid import UUID

import numpy as np
import torch

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.interleaving import interleave
from lineside.bench.model_settings import ModelScale
from lineside.bench.timing import milliseconds_per_call, warm
from models.backbones.placement import place_of
from models.recipes.loader import load_inspector
from models.recipes.recipe import read_recipe
from models.recipes.samllava_recipe import SamLlavaRecipe
from models.recipes.token_eye import token_eye
from wire.errors import MustStop
from wire.frame import RGB
from wire.line_state import LineSpec
from wire.part import Part

AIM: Final = 1.4

_RECIPE: Final = "samllava"
# Random weights of the published size: what they are changes nothing about the time.
_CHANGES: Final = {"backbone.name": "ViT-B-16", "backbone.seed": "0", "sam.size": "null"}
_PARTS, _REFERENCES, _SIDE_PX = 4, 4, 240
_SEED: Final = 13


def bench_token_recipe(scale: ModelScale) -> list[Comparison]:
    """Several parts of one line at once, with a memory of four references."""
    inspector = load_inspector(_RECIPE, changes=_CHANGES)
    settings = read_recipe(_RECIPE, _CHANGES)
    if not isinstance(settings, SamLlavaRecipe):
        raise MustStop(f"recipe {_RECIPE} is of kind {settings.kind}")
    backbone = token_eye(_RECIPE, settings.backbone, place_of("cpu")).backbone
    rng = np.random.default_rng(_SEED)
    images = [rng.integers(0, 255, (_SIDE_PX, _SIDE_PX, 3), np.uint8) for _ in range(_REFERENCES + _PARTS)]
    parts = [
        Part(inspection_id=UUID(int=index), line="bench", part_id=str(index), images={RGB: image})
        for index, image in enumerate(images)
    ]
    state = inspector.build_state(parts[:_REFERENCES], LineSpec(line="bench"))
    frames = torch.from_numpy(np.stack([backbone.profile.prepare(image).pixels for image in images[_REFERENCES:]]))

    def whole_recipe() -> object:
        return inspector.inspect(parts[_REFERENCES:], [state] * _PARTS)

    def backbone_alone() -> object:
        with torch.inference_mode():
            return backbone.encode(frames)

    warm(whole_recipe, backbone_alone)
    product, baseline = interleave(
        lambda: milliseconds_per_call(whole_recipe, 1) / _PARTS,
        lambda: milliseconds_per_call(backbone_alone, 1) / _PARTS,
        scale.repetitions,
    )
    return [
        Comparison(
            name="token recipe",
            unit="ms/picture",
            product_side=f"recipe {_RECIPE} without SAM, {_PARTS} parts",
            baseline_side="its backbone, ViT-B/16, on the same frames",
            product=product,
            baseline=baseline,
            aim=AIM,
            direction=Direction.AT_MOST,
            note=f"{_REFERENCES} references, {_SIDE_PX} x {_SIDE_PX} px",
        )
    ]
