"""Where settings come from: a flag wins over a ``LINESIDE_*`` variable, this over the file, this over the default.

Each layer is a tree of keys; the trees are laid over each other, and for every value it is known who said it.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Any, Final, Generic, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from wire.errors import ConfigurationError
from wire.settings_file import problems, read_keys

Settings = TypeVar("Settings", bound=BaseModel)
Place = tuple[str, ...]

PREFIX: Final = "LINESIDE_"
# An address alone says which broker, as in `lineside up --broker HOST:PORT`; names are in lower case here.
_SHORT: Final = {"lineside_broker": "lineside_broker__bootstrap"}
NESTED: Final = "__"


@dataclass(frozen=True, kw_only=True)
class Given:
    """A value or tree from elsewhere: an option of its own, or a file of another kind."""

    place: Place
    value: Any
    origin: str


@dataclass(frozen=True, kw_only=True)
class LoadedSettings(Generic[Settings]):
    """Checked settings, and who said each value: its place in the tree to ``FILE``, a variable or a flag."""

    settings: Settings
    origins: Mapping[Place, str]

    def origin(self, place: Place) -> str:
        """Who said the value at ``place``, or the tree that it is part of."""
        return _nearest(self.origins, place, "default")


def load_layers(
    kind: type[Settings],
    path: Path | None,
    flags: Sequence[str] = (),
    *,
    below: Iterable[Given] = (),
    above: Iterable[Given] = (),
) -> LoadedSettings[Settings]:
    """Read file, environment and ``KEY=VALUE`` flags as ``kind``. ConfigurationError lists everything that is wrong.

    ``below`` lies under the file, ``above`` over the flags; in each, what comes later wins.
    """
    values: dict[str, Any] = {}
    origins: dict[Place, str] = {}
    _lay_given(values, below, origins)
    if path is not None:
        _lay(values, read_keys(path), (), origins, lambda _: str(path))
    _lay(values, _environment(kind), (), origins, _variable_that_says)
    for flag in flags:
        place, value = _flag(kind, flag)
        _lay(values, _tree(place, value), (), origins, lambda at: f"--set {'.'.join(at)}")
    _lay_given(values, above, origins)
    try:
        return LoadedSettings(settings=kind.model_validate(values), origins=origins)
    except ValidationError as error:
        source = str(path or "environment")
        raise ConfigurationError(problems(error, where=lambda place: _nearest(origins, place, source))) from error


def load(path: Path | None, kind: type[Settings], flags: Sequence[str] = ()) -> Settings:
    """The settings alone of ``load_layers``."""
    return load_layers(kind, path, flags).settings


def variable_of(place: Place) -> str:
    """The environment variable of a setting."""
    return PREFIX + NESTED.join(place).upper()


def _variable_that_says(place: Place) -> str:
    variable = variable_of(place)
    short = next((name.upper() for name, long in _SHORT.items() if long.upper() == variable), variable)
    return short if variable not in os.environ else variable


def submodel_of(annotation: Any) -> type[BaseModel] | None:
    """The model behind ``Model`` or ``Model | None``; None if the setting is no section."""
    choices = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    models = [choice for choice in choices if isinstance(choice, type) and issubclass(choice, BaseModel)]
    return models[0] if len(models) == 1 else None


def _environment(kind: type[BaseModel]) -> dict[str, Any]:
    try:
        source = EnvSettingsSource(
            kind,  # type: ignore[arg-type]  # it looks at fields alone, which every model has
            case_sensitive=False,
            env_prefix=PREFIX,
            env_nested_delimiter=NESTED,
            env_ignore_empty=True,
        )
        source.env_vars = _spelled_out(source.env_vars)
        return source()
    except SettingsError as error:
        reason = error.__cause__ or error
        raise ConfigurationError([f"environment: {error}: write it as JSON ({reason})"]) from error


def _spelled_out(variables: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """The variables, with what stands for a section as a whole at the one setting that it means (JSON is left)."""
    short = {name: value for name, value in variables.items() if name in _SHORT and not (value or "").startswith("{")}
    rest = {name: value for name, value in variables.items() if name not in short}
    # `lineside up` reads the word as "a broker of my own", which says nothing to anybody else.
    return {**{_SHORT[name]: value for name, value in short.items() if value != "embedded"}, **rest}


def _flag(kind: type[BaseModel], text: str) -> tuple[Place, Any]:
    """``section.key=value`` as place and value; the value is written as in the file."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError([f"--set {text}: write KEY=VALUE, e.g. --set inspect.max_batch=16"])
    try:
        return _place(kind, key.strip()), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigurationError([f"--set {key}: {value!r} is not YAML; put it in quotes"]) from error


def _place(kind: type[BaseModel], key: str) -> Place:
    """Split at dots as far as there are sections: names of librdkafka's options hold dots themselves."""
    head, _, rest = key.partition(".")
    field = kind.model_fields.get(head)
    if not rest or field is None:
        return tuple(key.split("."))
    section = submodel_of(field.annotation)
    return (head, *(_place(section, rest) if section else (rest,)))


def _tree(place: Place, value: Any) -> dict[str, Any]:
    for key in reversed(place):
        value = {key: value}
    return value  # type: ignore[no-any-return]


def _lay_given(values: dict[str, Any], given: Iterable[Given], origins: dict[Place, str]) -> None:
    for one in given:
        _lay(values, _tree(one.place, one.value), (), origins, partial(_said_by, one.origin))


def _said_by(origin: str, _: Place) -> str:
    return origin


def _lay(
    below: dict[str, Any],
    above: Mapping[str, Any],
    at: Place,
    origins: dict[Place, str],
    origin: Callable[[Place], str],
) -> None:
    """Lay a tree over another one in place, and note who said what."""
    for key, value in above.items():
        place = (*at, str(key))
        if isinstance(value, Mapping) and value:
            under = below.get(key)
            below[key] = dict(under) if isinstance(under, Mapping) else {}
            _lay(below[key], value, place, origins, origin)
        else:
            below[key] = value
            for covered in [known for known in origins if known[: len(place)] == place]:
                del origins[covered]
            origins[place] = origin(place)


def _nearest(origins: Mapping[Place, str], place: Sequence[Any], otherwise: str) -> str:
    keys = tuple(map(str, place))
    for length in range(len(keys), 0, -1):
        if keys[:length] in origins:
            return origins[keys[:length]]
    return otherwise
