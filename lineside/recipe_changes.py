"""What a command line changes of a recipe."""

from collections.abc import Sequence
from pathlib import Path

from wire.errors import ConfigurationError


def recipe_changes(changed: Sequence[str], backbone: str | None, weights: Path | None) -> dict[str, str]:
    """Dotted key -> value, from ``--set KEY=VALUE``, ``--backbone NAME`` and ``--weights FILE``.

    A file that a value names is looked for in the present folder first, then where the recipe lies.
    ConfigurationError if a change is no such pair, or the file is not there.
    """
    changes = {key: located(key, value) for key, value in (parse_change("--set", each) for each in changed)}
    if backbone is not None:
        changes["backbone.name"] = backbone
    if weights is not None:
        if not weights.is_file():
            raise ConfigurationError(
                [f"--weights {weights}: no such file; weights are read from files, never downloaded"]
            )
        changes["backbone.weights"] = str(weights.resolve())
    return changes


def located(key: str, value: str) -> str:
    """The value of a recipe's key; of one that names a file in the present folder, the file's full path."""
    from models.recipes.recipe import names_a_file

    file = Path(value)
    return str(file.resolve()) if names_a_file(key) and file.is_file() else value


def parse_change(option: str, text: str) -> tuple[str, str]:
    """``KEY=VALUE``; ConfigurationError names the option."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError([f"{option} {text!r}: expected KEY=VALUE, e.g. {option} memory.match=nearest"])
    return key.strip(), value.strip()
