"""A token recipe's reader from its numbers, with what its digest covers."""

import torch

from models.backbones.weights_file import file_sha256
from models.memory.resident_banks import ResidentBanks, usual_budget_bytes
from models.recipes.recipe import weights_file
from models.recipes.samllava_recipe import SamLlavaRecipe
from models.recipes.spgdd_recipe import SpgddRecipe
from models.recipes.token_eye import TokenEye
from models.recipes.token_reader import TokenReader
from models.recipes.words import words_of


def token_reader(
    recipe: str, settings: SpgddRecipe | SamLlavaRecipe, eye: TokenEye, place: torch.device
) -> tuple[TokenReader, dict[str, bytes]]:
    """(reader, weights by name). ConfigurationError if learned words are not there or do not fit."""
    weights = {"backbone": eye.digest}
    words = words_of(recipe, settings.text, eye, place)
    if words is not None and settings.text.learned is not None:
        weights["context"] = file_sha256(weights_file(recipe, settings.text.learned.weights)).encode()
    height, width = eye.backbone.profile.frame
    reader = TokenReader(
        backbone=eye.backbone,
        words=words,
        zero_shot=settings.zero_shot,
        banks=ResidentBanks(place, budget_bytes=usual_budget_bytes(place)),
        batch=max(1, settings.batch_pixels // (height * width)),
        device=place,
    )
    return reader, weights
