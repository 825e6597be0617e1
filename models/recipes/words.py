"""The text side of a token detector: the words of a line, by the same network that sees."""

from dataclasses import dataclass

import torch

from models.recipes.recipe import weights_file
from models.recipes.token_eye import TokenEye
from models.text.clip_text import ClipText
from models.text.learned_context import load_context
from models.text.prompt_bank import PromptBank, TextSettings


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """``scale``: exp of CLIP's trained log scale."""

    bank: PromptBank
    scale: float


def words_of(recipe: str, settings: TextSettings, eye: TokenEye, place: torch.device) -> Words | None:
    """None where the backbone cannot read. ConfigurationError if learned words are not there or do not fit."""
    clip = eye.clip
    if clip is None or eye.backbone.text_layer is None:
        return None
    text = ClipText(clip)
    learned = None
    if settings.learned is not None:
        width = int(clip.token_embedding.weight.shape[1])
        learned = load_context(weights_file(recipe, settings.learned.weights), width).to(place)
    return Words(bank=PromptBank(text, settings, learned, clip), scale=text.temperature)
