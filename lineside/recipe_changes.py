"""What a command line changes of a recipe."""

from collections.abc import Sequence
from pathlib import Path

from wire.errors import ConfigurationError


def recipe_changes(changed: Sequence[str], backbone: str | None, weights: Path | None) -> dict[str, str]:
    """Dotted key -> value, from ``--set KEY=VALUE``, ``--backbone NAME`` and ``--weights FILE``.

    ConfigurationError if a change is no such pair, or the file is not there.
    """
    changes = dict(parse_change("--set", each) for each in changed)
    if backbone is not None:
        changes["backbone.name"] = backbone
    if weights is not None:
        if not weights.is_file():
            raise ConfigurationError(
                [f"--weights {weights}: no such file; weights are read from files, never downloaded"]
            )
        changes["backbone.weights"] = str(weights.resolve())
    return changes


def parse_change(option: str, text: str) -> tuple[str, str]:
    """``KEY=VALUE``; ConfigurationError names the option."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError([f"{option} {text!r}: expected KEY=VALUE, e.g. {option} memory.match=nearest"])
    return key.strip(), value.strip()
