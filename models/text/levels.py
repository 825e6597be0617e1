"""The text of a class of defects at a level, and the published names of levels (SYSTEMS A.1.1, Q22)."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wire.description import PromptLevel
from wire.errors import ConfigurationError

ALIASES: Final[Mapping[str, PromptLevel]] = {
    "v1:T0": PromptLevel.CLASSNAME,
    "v1:T1": PromptLevel.CLASS_LEVEL,
    "v1:T2": PromptLevel.SAMPLE_AUTO,
    "v1:T3": PromptLevel.SAMPLE_REFINED,
    "v2:T1": PromptLevel.CLASS_LEVEL,
    "v2:T2": PromptLevel.SAMPLE_REFINED,
    "v2:T3": PromptLevel.ATTRIBUTES,
    "v2:T4": PromptLevel.TEMPLATE,
}


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """Of class ``name``; ``level``: the one that was used, which is CLASSNAME where the wanted text is missing."""

    name: str
    text: str
    level: PromptLevel


def level_of(name: str, *, where: str = "text.level") -> PromptLevel:
    """By name or alias. ConfigurationError names them all, and ``where`` the wrong one stands."""
    found = ALIASES.get(name)
    if found is not None:
        return found
    try:
        return PromptLevel(name.lower())
    except ValueError as error:
        known = ", ".join([*PromptLevel, *ALIASES])
        raise ConfigurationError([f"{where}: {name!r} is none of {known}"]) from error


def render(class_name: str, level: PromptLevel, texts: Mapping[PromptLevel, str]) -> Rendered:
    """The text of a class at a level; where there is none, its name, with a warning."""
    if level is PromptLevel.CLASSNAME:
        return Rendered(name=class_name, text=f"A photo of {class_name}.", level=level)
    text = texts.get(level, "").strip()
    if text:
        return Rendered(name=class_name, text=text, level=level)
    warnings.warn(f"class {class_name!r} has no text of level {level}; its name is used", UserWarning, stacklevel=2)
    return Rendered(name=class_name, text=f"A photo of {class_name}.", level=PromptLevel.CLASSNAME)
