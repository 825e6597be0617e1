"""A token recipe's reader from its numbers, with what its digest covers."""

from typing import Final

import torch

from models.backbones.vv_attention import VvMode
from models.memory.resident_banks import ResidentBanks
from models.memory.token_bank import TokenBank
from models.recipes.samllava_recipe import SamLlavaRecipe
from models.recipes.spgdd_recipe import SpgddRecipe
from models.recipes.token_eye import TokenEye
from models.recipes.token_reader import TokenReader
from models.recipes.words import words_of

# Frames of a pass that keep a GPU busy: 64 of 240 px take 0.4 GB with ViT-B/16+ and are seen 1.4 times as fast as by
# eights (NVIDIA H200). On a CPU the recipe's batch_pixels bound them, for the caches.
_GPU_BATCH: Final = 64


def token_reader(
    recipe: str, settings: SpgddRecipe | SamLlavaRecipe, eye: TokenEye, place: torch.device
) -> tuple[TokenReader, dict[str, bytes]]:
    """(reader, weights by name). ConfigurationError if learned words are not there or do not fit."""
    weights = {"backbone": eye.digest}
    words = words_of(recipe, settings.text, eye)
    if words is not None and words.learned_sha256:
        weights["context"] = words.learned_sha256.encode()
    height, width = eye.backbone.profile.frame
    reader = TokenReader(
        backbone=eye.backbone,
        # Value-value attention is of CLIP's blocks; other backbones have none, whatever the recipe says.
        vv_mode=settings.backbone.vv_mode if eye.clip is not None else VvMode.NONE,
        words=words,
        zero_shot=settings.zero_shot,
        banks=ResidentBanks(TokenBank.from_tensors, place),
        batch=max(_GPU_BATCH if place.type == "cuda" else 1, settings.batch_pixels // (height * width)),
        device=place,
    )
    return reader, weights
