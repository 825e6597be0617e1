"""Variants of a recipe: the same with single keys changed, as a paper's table of ablations lists them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Variant(BaseModel):
    """``changes``: dotted key -> value as YAML; ``name``: the recipe with what sets this variant apart."""

    model_config = ConfigDict(frozen=True)

    recipe: str
    name: str
    changes: dict[str, str] = Field(default_factory=dict)


def variants_of(recipe: str, changes: Mapping[str, str], switches: Mapping[str, Sequence[str]]) -> list[Variant]:
    """The recipe with all ``changes``, then the same with each switch at each of its other values, one at a time."""
    base = Path(recipe).stem
    found = [Variant(recipe=recipe, name=_named(base, changes), changes=dict(changes))]
    for key, values in switches.items():
        for value in values:
            if changes.get(key) != value:
                found.append(
                    Variant(recipe=recipe, name=_named(base, {**changes, key: value}), changes={**changes, key: value})
                )
    return found


def _named(base: str, changes: Mapping[str, str]) -> str:
    """Places of files say nothing about the numbers."""
    told = [f"{key}={value}" for key, value in changes.items() if not key.endswith("weights")]
    return f"{base}({', '.join(told)})" if told else base
