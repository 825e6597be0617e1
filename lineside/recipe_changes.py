"""What a command line changes of a recipe."""

from collections.abc import Sequence
from pathlib import Path

from models.evaluate.variants import parse_change
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
