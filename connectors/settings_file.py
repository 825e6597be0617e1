"""Read a connector's YAML file; every mistake is reported at once, with file, key, value and what to do."""

from pathlib import Path
from typing import Final, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from connectors.settings import ConnectorSettings
from wire.errors import ConfigurationError

Settings = TypeVar("Settings", bound=ConnectorSettings)

_REMEDIES: Final = {
    "missing": "add it",
    "extra_forbidden": "remove it, or correct its spelling",
    "enum": "take one of those",
}
# An unknown key may be a password that was indented wrongly.
_NEVER_SHOWN: Final = frozenset({"extra_forbidden", "missing"})


def load(path: Path, kind: type[Settings]) -> Settings:
    """Read ``path`` as ``kind``. ConfigurationError lists everything that is wrong with it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read ({error.strerror}); name an existing file"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: is not YAML: {' '.join(str(error).split())}"]) from error
    if not isinstance(content, dict):
        raise ConfigurationError([f"{path}: holds no keys; begin with a copy of the sample beside the README"])
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError([_problem(path, one) for one in error.errors(include_url=False)]) from error


def _problem(path: Path, error: ErrorDetails) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "(whole file)"
    value = "" if error["type"] in _NEVER_SHOWN or isinstance(error["input"], dict | list) else f" = {error['input']!r}"
    message = error["msg"].removeprefix("Value error, ")
    remedy = _REMEDIES.get(error["type"])
    return f"{path}: {key}{value}: {message}" + (f"; {remedy}" if remedy else "")
