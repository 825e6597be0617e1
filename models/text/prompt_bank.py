"""What a line's good and bad parts are called, as two directions: e_n and e_a (SYSTEMS A.2.2)."""

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import torch
from pydantic import BeforeValidator
from torch import Tensor

from models.settings import PartSettings
from models.text.clip_text import ClipText, mean_direction
from models.text.ensembles import Ensemble, Prompts, ensemble
from models.text.learned_context import LearnedContext, LearnedTexts, read_context
from models.text.levels import Rendered, level_of, render
from models.text.line_profile import normality_sentence, without_tags
from wire.description import MOST_CHARACTERS, PromptLevel
from wire.errors import ConfigurationError
from wire.finding import Reading
from wire.line_state import LineSpec

Level = Annotated[PromptLevel, BeforeValidator(lambda name: level_of(str(name)))]
# What learned words stay near to, where a line names no flaws of its own.
_USUAL_SUFFIXES = ("with a flaw", "with a defect", "with damage", "with a scratch", "with a crack", "with a hole",
                   "with a stain", "with a missing part")  # fmt: skip


class LearnedSettings(PartSettings):
    """``weights``: a file beside the recipe that ``lineside train spgdd`` made for the same text tower."""

    weights: str


class TextSettings(PartSettings):
    """``class_name``: of parts of which nobody said what they are called.

    ``classes``: name of a defect -> its texts by level.

    ``level``: which of them are abnormal prompts beside the ensemble; CLASSNAME needs no text.
    """

    class_name: str
    ensemble: Ensemble
    level: Level
    classes: dict[str, dict[Level, str]]
    learned: LearnedSettings | None


@dataclass(frozen=True, kw_only=True, eq=False)
class TextPair:
    """normal (D,), abnormal (D,), of unit length; of many pictures (B, D) each."""

    normal: Tensor
    abnormal: Tensor

    def stacked(self) -> Tensor:
        """(2, D): what a line state keeps."""
        return torch.stack([self.normal, self.abnormal])


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownWords:
    """Learned words, and the sha256 of the file that they came from."""

    context: LearnedContext
    sha256: str


class PromptBank:
    """Prompts of a line, from its specification; None = a line that nobody has described.

    ``words``: a file of words that a training found for the line; empty = those of the recipe, if it has any.
    """

    def __init__(self, text: ClipText, settings: TextSettings, learned: KnownWords | None, tower: object) -> None:
        self._text = text
        self._settings = settings
        self._learned = learned
        self._tower = tower
        self._pair = lru_cache(maxsize=256)(self._new_pair)
        self._rendered = lru_cache(maxsize=256)(self._newly_rendered)
        self._own_words = lru_cache(maxsize=256)(self._fitting_words)

    def prompts(self, spec: LineSpec | None) -> Prompts:
        """As strings. None: of a line of which nobody said anything."""
        return ensemble(
            self._settings.ensemble,
            self._class_name(spec),
            suffixes=() if spec is None else tuple(map(normality_sentence, spec.defect_words)),
            normality="" if spec is None else normality_sentence(spec.normality),
            more=tuple(each.text for each in self._rendered(spec)),
        )

    def pair(self, spec: LineSpec | None, words: bytes = b"") -> TextPair:
        """As directions. Words that were learned win over the ensemble, a line's own over those of the recipe."""
        return self._pair(spec, words)

    def reading(self, spec: LineSpec | None, vv_mode: str, words: bytes = b"") -> Reading:
        """Which texts those directions are of. Learned words stand alone: no text of a level has a say beside them."""
        learned = self._words_of(words)
        if learned is not None:
            return Reading(vv_mode=vv_mode, learned_words=learned.sha256)
        level = self._level(spec)
        alone = tuple(each.name for each in self._rendered(spec) if each.level is not level)
        return Reading(vv_mode=vv_mode, level=level, named_alone=alone)

    def known_words(self, words: bytes) -> KnownWords:
        """Of a file. ConfigurationError if it holds none that fit this text tower."""
        sha256 = hashlib.sha256(words).hexdigest()
        context = read_context(words, f"learned words {sha256[:12]}", self._text.width)
        return KnownWords(context=context.to(self._text.device), sha256=sha256)

    def _new_pair(self, spec: LineSpec | None, words: bytes) -> TextPair:
        learned = self._words_of(words)
        if learned is not None:
            with torch.inference_mode():
                texts = self._learned_texts(learned.context, spec)
            return TextPair(normal=texts.normal, abnormal=texts.abnormal)
        prompts = self.prompts(spec)
        return TextPair(
            normal=mean_direction(self._text.encode(prompts.normal)),
            abnormal=mean_direction(self._text.encode(prompts.abnormal)),
        )

    def _words_of(self, words: bytes) -> KnownWords | None:
        return (self._own_words(words) if words else None) or self._learned

    def _fitting_words(self, words: bytes) -> KnownWords | None:
        """None, with a warning, if they are of another text tower: a worker with a new model must not end over them."""
        try:
            return self.known_words(words)
        except ConfigurationError as error:
            warnings.warn(f"a line is judged without its learned words: {error}", UserWarning, stacklevel=2)
            return None

    def _learned_texts(self, learned: LearnedContext, spec: LineSpec | None) -> LearnedTexts:
        flaws = () if spec is None else tuple(map(normality_sentence, spec.defect_words))
        found: LearnedTexts = learned(self._tower, self._class_name(spec), (*_USUAL_SUFFIXES, *flaws))
        return found

    def _class_name(self, spec: LineSpec | None) -> str:
        said = "" if spec is None else normality_sentence(spec.class_name)
        return said or self._settings.class_name

    def _newly_rendered(self, spec: LineSpec | None) -> tuple[Rendered, ...]:
        """What is said of every kind of defect that the recipe or the line describes; a line's own text wins."""
        texts: dict[str, dict[PromptLevel, str]] = {name: {**own} for name, own in self._settings.classes.items()}
        for each in () if spec is None else spec.descriptions:
            own = texts.setdefault(without_tags(each.name), {})
            own[each.level] = without_tags(each.text, most=MOST_CHARACTERS)
        return tuple(render(name, self._level(spec), own) for name, own in texts.items())

    def _level(self, spec: LineSpec | None) -> PromptLevel:
        return (spec.description_level if spec is not None else "") or self._settings.level


def usual_suffixes() -> tuple[str, ...]:
    """Flaws that any part may have."""
    return _USUAL_SUFFIXES
