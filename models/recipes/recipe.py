"""A recipe file: read, changed where somebody asks for it, checked, and hashed."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from models.recipes.embedded_recipe import EmbeddedRecipe
from models.recipes.samllava_recipe import SamLlavaRecipe
from models.recipes.senses import Senses
from models.recipes.spgdd_recipe import SpgddRecipe
from wire.errors import ConfigurationError

_FOLDER = Path(__file__).parent
_EMBEDDED = "embedded"
_FILE_KEYS: Final = frozenset({"weights", "trained"})

# A file's ``kind`` names one of them; a file without it is embedded.
_KINDS: Final[Mapping[str, type[Senses]]] = {
    _EMBEDDED: EmbeddedRecipe,
    "samllava": SamLlavaRecipe,
    "spgdd": SpgddRecipe,
}


def read_recipe(recipe: str, changes: Mapping[str, str] | None = None) -> Senses:
    """A shipped recipe by name, or a YAML file by path. ConfigurationError lists everything that is wrong with it.

    ``changes``: dotted key -> value as YAML, e.g. ``{"memory.match": "nearest"}``.
    """
    path = _path(recipe)
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(file.stem for file in _FOLDER.glob("*.yaml")))
        raise ConfigurationError([f"recipe {recipe!r}: {error.strerror}; shipped recipes: {known}"]) from error
    except yaml.YAMLError as error:
        raise ConfigurationError([f"{path}: {error}"]) from error
    if not isinstance(content, dict):
        raise ConfigurationError([f"{path}: holds {type(content).__name__}, expected keys and values"])
    content = {"kind": _EMBEDDED} | content
    for key, value in (changes or {}).items():
        _change(content, key, value)
    kind = _KINDS.get(content["kind"])
    if kind is None:
        raise ConfigurationError([f"{path}: kind: {content['kind']!r} is none of {', '.join(_KINDS)}"])
    try:
        found: Senses = kind.model_validate(content)
    except ValidationError as error:
        said = changes or {}
        raise ConfigurationError([_problem(path, each, content, said) for each in error.errors()]) from error
    return found


def check_files(recipe: str, settings: Senses) -> None:
    """What loading would say of files that are not named or not there, before any of them is read.

    ConfigurationError as when it is loaded.
    """
    if isinstance(settings, SpgddRecipe | SamLlavaRecipe):
        settings.backbone.check_weights()
    absent = [
        f"{key}: {weights_file(recipe, place)}: no such file; weights are read from files, never downloaded"
        for key, place in _leaves(settings.model_dump(mode="json"))
        if names_a_file(key) and isinstance(place, str) and not weights_file(recipe, place).is_file()
    ]
    if absent:
        raise ConfigurationError(absent)


def read_embedded(recipe: str) -> EmbeddedRecipe:
    """As ``read_recipe``, for what only the embedded kind has. ConfigurationError for another kind."""
    found = read_recipe(recipe)
    if not isinstance(found, EmbeddedRecipe):
        raise ConfigurationError([f"recipe {recipe!r} is of kind {found.kind}, expected {_EMBEDDED}"])
    return found


def names_a_file(key: str) -> bool:
    """Whether a dotted key of a recipe is the place of a file: that says nothing about the numbers in it."""
    return key.rpartition(".")[2] in _FILE_KEYS


def weights_file(recipe: str, weights: str) -> Path:
    """Where weights that a recipe names lie: beside its file, unless their path is absolute."""
    return _path(recipe).parent / weights


def digest_of(recipe: Senses, weights: dict[str, bytes]) -> str:
    """sha256 over the recipe and the bytes of every weight, by name."""
    digest = hashlib.sha256(recipe.canonical())
    for name in sorted(weights):
        digest.update(f";{name}:{len(weights[name])};".encode())
        digest.update(weights[name])
    return digest.hexdigest()


def _path(recipe: str) -> Path:
    return Path(recipe) if recipe.endswith((".yaml", ".yml")) else _FOLDER / f"{recipe}.yaml"


def _problem(path: Path, error: ErrorDetails, content: Mapping[str, Any], changes: Mapping[str, str]) -> str:
    """What is wrong, where it was said: in the file, or by who changed a key of it."""
    *sections, name = map(str, error["loc"]) if error["loc"] else ("",)
    key = ".".join([*sections, name])
    said = f"--set {key}={changes[key]}" if key in changes else f"{path}: {key}"
    if error["type"] == "extra_forbidden":
        for section in sections:
            content = content[section]
        known = ", ".join(sorted(content.keys() - {name}))
        return f"{said}: there is no such key; beside it are {known}"
    if error["type"] == "value_error":
        return f"{said}: {error['ctx']['error']}"
    return f"{said}: {error['msg']}, got {error['input']!r}"


def _leaves(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of everything that is no section."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _change(content: dict[str, Any], key: str, value: str) -> None:
    """Set a dotted key in place; ConfigurationError if a section is none, or the value is no YAML."""
    *sections, name = key.split(".")
    for section in sections:
        if content.get(section) is None:
            content[section] = {}
        content = content[section]
        if not isinstance(content, dict):
            raise ConfigurationError([f"--set {key}={value}: {section} is a value, not a section"])
    try:
        content[name] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigurationError([f"--set {key}={value}: {error}"]) from error
