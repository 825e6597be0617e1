"""What a person says of kinds of defects on the command line: a file of texts, and the level that is read."""

from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from models.text.levels import level_of
from wire.description import ChosenLevel, Description
from wire.errors import ConfigurationError
from wire.settings_file import read_keys

AS_THE_RECIPE: Final = "recipe"


def chosen_level(said: str) -> ChosenLevel:
    """``recipe``, or a level by name or published name. ConfigurationError names them all."""
    return "" if said == AS_THE_RECIPE else level_of(said, where="--level")


def read_descriptions(file: Path) -> tuple[Description, ...]:
    """``KIND: {LEVEL: TEXT}``. ConfigurationError lists everything that is wrong, with file, key and value."""
    found: list[Description] = []
    wrong: list[str] = []
    for name, texts in read_keys(file).items():
        if not isinstance(texts, dict):
            wrong.append(f"{file}: {name}: {texts!r} is no text of a level; write {name}: {{template: TEXT}}")
            continue
        for level, text in texts.items():
            try:
                found.append(_description(name, level, text, where=f"{file}: {name}"))
            except ConfigurationError as error:
                wrong.extend(error.problems)
    if wrong:
        raise ConfigurationError(wrong)
    return tuple(found)


def _description(name: str, level: Any, text: Any, *, where: str) -> Description:
    try:
        return Description(name=name, level=level_of(str(level), where=where), text=text)
    except ValidationError as error:
        raise ConfigurationError(
            [f"{where}: {level}: {each['msg']}, got {each['input']!r}" for each in error.errors()]
        ) from error
