"""What a process would work with, value by value: for people who ask where a setting comes from."""

import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, SecretStr

from wire.settings_layers import LoadedSettings, Place, variable_of

MASK: Final = "********"
# A password in a URL that is no secret as a whole.
_USER_INFO: Final = re.compile(r"(?<=://)[^/@\s]*(?=@)")


class EffectiveSetting(BaseModel):
    """One value: its key, what it is (secrets masked), who said it, the variable that would win, what it means."""

    model_config = ConfigDict(frozen=True)

    key: str
    value: Any
    origin: str
    variable: str
    meaning: str


def effective_settings(loaded: LoadedSettings[BaseModel]) -> list[EffectiveSetting]:
    """Every setting, in the order of the model."""
    return [
        EffectiveSetting(
            key=".".join(place), value=value, origin=loaded.origin(place), variable=variable_of(place), meaning=meaning
        )
        for place, value, meaning in _walk(loaded.settings, ())
    ]


def _walk(model: BaseModel, at: Place) -> Iterator[tuple[Place, Any, str]]:
    for name, field in type(model).model_fields.items():
        place, value, meaning = (*at, name), getattr(model, name), field.description or ""
        if isinstance(value, BaseModel):
            yield from _walk(value, place)
        elif isinstance(value, dict) and value:
            yield from (((*place, str(key)), shown(one), meaning) for key, one in value.items())
        else:
            yield place, shown(value), meaning


def shown(value: Any) -> Any:
    """A value as JSON has it, without secrets."""
    match value:
        case SecretStr():
            return MASK
        case BaseModel():
            return {name: shown(getattr(value, name)) for name in type(value).model_fields}
        case tuple() | list():
            return [shown(one) for one in value]
        case dict():
            return {str(key): shown(one) for key, one in value.items()}
        case None | bool() | int() | float():
            return value
        case _:
            return _USER_INFO.sub(MASK, str(value))
