"""The text side of a token detector: the words of a line, by the same network that sees."""

import hashlib
from dataclasses import dataclass

from models.recipes.recipe import weights_file
from models.recipes.token_eye import TokenEye
from models.text.clip_text import ClipText
from models.text.learned_context import read_context
from models.text.prompt_bank import KnownWords, PromptBank, TextSettings
from wire.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """``scale``: exp of CLIP's trained log scale; ``learned_sha256``: of the recipe's own learned words, "" = none."""

    bank: PromptBank
    scale: float
    learned_sha256: str


def words_of(recipe: str, settings: TextSettings, eye: TokenEye) -> Words | None:
    """None where the backbone cannot read. ConfigurationError if learned words are not there or do not fit."""
    clip = eye.clip
    if clip is None or eye.backbone.text_layer is None:
        return None
    text = ClipText(clip)
    learned = None if settings.learned is None else _learned(recipe, settings.learned.weights, text)
    return Words(
        bank=PromptBank(text, settings, learned, clip),
        scale=text.temperature,
        learned_sha256="" if learned is None else learned.sha256,
    )


def _learned(recipe: str, name: str, text: ClipText) -> KnownWords:
    file = weights_file(recipe, name)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError([f"weights {file}: {error.strerror}; lineside train spgdd writes them"]) from error
    context = read_context(content, str(file), text.width)
    return KnownWords(context=context.to(text.device), sha256=hashlib.sha256(content).hexdigest())
