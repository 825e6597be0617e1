"""State x template ensembles: many ways to say that a part is good, or is not (SYSTEMS A.2.2, B.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_NORMAL: Final = (
    "{}",
    "a flawless {}",
    "a perfect {}",
    "an unblemished {}",
    "an intact {}",
    "a {} without any flaw",
    "a {} free of damage",
)
_DAMAGED: Final = ("a damaged {}", "a {} with a flaw", "a {} with a defect", "a {} with damage")
_TEMPLATES: Final = (
    "a photo of {}.",
    "a close-up photo of {}.",
    "a cropped photo of {}.",
    "a bright photo of {}.",
    "a dark photo of {}.",
    "a blurry photo of {}.",
    "a sharp photo of {}.",
    "a low resolution photo of {}.",
    "a black and white photo of {}.",
    "a photo of {} on a production line.",
    "a photo of {} for visual inspection.",
    "a photo of {} for quality control.",
    "an image of {} by an industrial camera.",
    "a picture of {} under even light.",
    "a picture of {} under raking light.",
    "a view of {} from above.",
    "a macro photo of {}.",
    "a photo of a small part of {}.",
    "a photo of the surface of {}.",
    "there is {} in the picture.",
    "this is {}.",
)


class Ensemble(StrEnum):
    """How many ways: as many strings as WinCLIP's (147 good, 84 bad), or as AnomalyGPT's (14, 10)."""

    WIDE = "wide"
    SHORT = "short"


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """Strings about one kind of part."""

    normal: tuple[str, ...]
    abnormal: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Lists:
    normal_states: Sequence[str]
    abnormal_states: Sequence[str]
    templates: Sequence[str]


_LISTS: Final[Mapping[Ensemble, _Lists]] = {
    Ensemble.WIDE: _Lists(normal_states=_NORMAL, abnormal_states=_DAMAGED, templates=_TEMPLATES),
    Ensemble.SHORT: _Lists(normal_states=_NORMAL, abnormal_states=(*_DAMAGED, "a broken {}"), templates=_TEMPLATES[:2]),
}


def ensemble(
    which: Ensemble, class_name: str, *, suffixes: Sequence[str] = (), normality: str = "", more: Sequence[str] = ()
) -> Prompts:
    """Every state in every template.

    ``suffixes``: what may be wrong with this kind of part ("with a scratch"); ``normality``: how a good one looks
    ("round, without print"); ``more``: whole abnormal sentences, used as they are.
    """
    lists = _LISTS[which]
    normal = [state.format(class_name) for state in lists.normal_states]
    if normality:
        normal.append(f"a {class_name}, {normality}")
    abnormal = [
        *(state.format(class_name) for state in lists.abnormal_states),
        *(f"a {class_name} {suffix}" for suffix in suffixes),
    ]
    return Prompts(
        normal=tuple(template.format(state) for state in normal for template in lists.templates),
        abnormal=(*(template.format(state) for state in abnormal for template in lists.templates), *more),
    )
