"""Variants of a recipe: the same with single keys changed, as a paper's table of ablations lists them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from models.recipes.recipe import names_a_file


class Variant(BaseModel):
    """``changes``: dotted key -> value as YAML; ``name``: the recipe with what sets this variant apart."""

    model_config = ConfigDict(frozen=True)

    recipe: str
    name: str
    changes: dict[str, str] = Field(default_factory=dict)


def variants_of(recipe: str, changes: Mapping[str, str], switches: Mapping[str, Sequence[str]]) -> list[Variant]:
    """The recipe with all ``changes``, then the same with each switch at each of its other values, one at a time."""
    base = Path(recipe).stem
    told = {key: value for key, value in changes.items() if not names_a_file(key)}
    found = [Variant(recipe=recipe, name=_named(base, told), changes=dict(changes))]
    for key, values in switches.items():
        for value in values:
            if changes.get(key) != value:
                # Of a file that sets a variant apart its name says enough.
                shown = Path(value).stem if names_a_file(key) else value
                name = _named(base, {**told, key: shown})
                found.append(Variant(recipe=recipe, name=name, changes={**changes, key: value}))
    return found


def _named(base: str, told: Mapping[str, str]) -> str:
    return f"{base}({', '.join(f'{key}={value}' for key, value in told.items())})" if told else base
