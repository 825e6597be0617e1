"""Where a training goes on after an interruption: a file that is whole, whenever it is read."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from wire.errors import ConfigurationError

_MADE_WITH: Final = "made_with"
# Settings that change what is told of a run, or how long it takes, and not what it learns.
_TELLING: Final = frozenset({"check_every", "held_out", "held_out_episodes", "held_out_steps", "workers"})


def run_of(*settings: Mapping[str, object], **more: str) -> dict[str, str]:
    """What a run is a function of, by name, for ``made_with``."""
    numbers = {name: str(value) for each in settings for name, value in each.items() if name not in _TELLING}
    return numbers | more


def save_checkpoint(file: Path, content: Mapping[str, Any], *, made_with: Mapping[str, str] | None = None) -> None:
    """Replace ``file`` by step, tensors and states; a crash leaves the old one.

    ``made_with``: what the run is a function of, by name.
    """
    partial = file.with_suffix(".partial")
    torch.save({**content, _MADE_WITH: dict(made_with or {})}, partial)
    os.replace(partial, file)


def read_checkpoint(
    file: Path, device: torch.device, *, made_with: Mapping[str, str] | None = None
) -> dict[str, Any] | None:
    """What ``save_checkpoint`` wrote, on ``device``; None if there is no such file.

    ConfigurationError names what of ``made_with`` was another: going on would mix two runs under the name of one.
    """
    if not file.exists():
        return None
    content: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
    before: Mapping[str, str] = content.pop(_MADE_WITH, {})
    if made_with is not None and before != made_with:
        names = [name for name in {**before, **made_with} if before.get(name) != made_with.get(name)]
        raise ConfigurationError([
            f"{file}: a run with {name} {before.get(name, 'unknown')}, this one has {made_with.get(name, 'none')}; "
            "another --out begins anew"
            for name in names
        ])  # fmt: skip
    return content
