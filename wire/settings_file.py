"""Settings from a YAML file: every mistake is reported at once, with file, key and what to do about it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from wire.errors import ConfigurationError

# Begins the tags of unions, which pydantic puts between the keys of an error; people would look for them in the file.
UNION_TAG: Final = "|"

_REMEDIES: Final = {
    "missing": "add it",
    "extra_forbidden": "remove it, or correct its spelling",
    "enum": "take one of those",
}
_MERGE: Final = "tag:yaml.org,2002:merge"  # ``<<``, which may stand several times
# An unknown key may be a password that was indented wrongly.
_NEVER_SHOWN: Final = frozenset({"extra_forbidden", "missing"})


class _GivenTwice(yaml.YAMLError):
    """A key that stands twice in one mapping."""


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML's own loader silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                line = key.start_mark.line + 1
                if key.value in lines:
                    first = lines[key.value]
                    raise _GivenTwice(f"{key.value} is given twice, in line {first} and in line {line}; remove one")
                lines[key.value] = line
        return super().construct_mapping(node, deep=deep)


def read_keys(path: Path) -> dict[str, Any]:
    """The file's keys and values, unchecked. ConfigurationError if it has none."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read ({error.strerror}); name an existing file"]) from error
    except _GivenTwice as error:
        raise ConfigurationError([f"{path}: {error}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: is not YAML: {' '.join(str(error).split())}"]) from error
    if not isinstance(content, dict):
        raise ConfigurationError([f"{path}: holds no keys; begin with a copy of the sample in the README"])
    return content


def problems(
    error: ValidationError, *, where: str | Callable[[Sequence[str]], str], show_values: bool = True
) -> list[str]:
    """One line per mistake: where, key, the value that was found (unless it may be a secret), what to do.

    ``where``: the file, or a function of the mistake's place that says who said it.
    """
    found = []
    for one in error.errors(include_url=False):
        place = [part for part in map(str, one["loc"]) if not part.startswith(UNION_TAG)]
        origin = where if isinstance(where, str) else where(place)
        found.append(_problem(origin, place, one, show_values=show_values))
    return found


def _problem(where: str, place: Sequence[str], error: ErrorDetails, *, show_values: bool) -> str:
    key = ".".join(place) or "(whole file)"
    shown = show_values and error["type"] not in _NEVER_SHOWN and not isinstance(error["input"], dict | list)
    value = f" = {error['input']!r}" if shown else ""
    message = error["msg"].removeprefix("Value error, ")
    remedy = _REMEDIES.get(error["type"])
    return f"{where}: {key}{value}: {message}" + (f"; {remedy}" if remedy else "")
