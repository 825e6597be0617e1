"""Read a YAML file into a settings object; every mistake is reported at once, naming file and key."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from wire.errors import ConfigurationError

Settings = TypeVar("Settings", bound=BaseModel)


def load(path: Path, kind: type[Settings]) -> Settings:
    """Read ``path`` as ``kind``. ConfigurationError lists everything that is wrong with the file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: is not YAML: {error}"]) from error
    if not isinstance(content, dict):
        raise ConfigurationError([f"{path}: expected keys and values, found {type(content).__name__}"])
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(problems(error, where=str(path))) from error


def problems(error: ValidationError, *, where: str) -> list[str]:
    """One line per mistake: where, key, what is wrong, and the value that was found."""
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"]) or "(top level)"
        found = "" if item["type"] == "missing" else f" (found {item['input']!r})"
        lines.append(f"{where}: {key}: {item['msg']}{found}")
    return lines


def save(path: Path, settings: BaseModel | dict[str, object]) -> None:
    """Write settings as YAML, whole or not at all."""
    content = settings.model_dump(mode="json") if isinstance(settings, BaseModel) else settings
    draft = path.with_name(f".{path.name}~")
    draft.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    draft.replace(path)
