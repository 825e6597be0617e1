"""Where a training goes on after an interruption: a file that is whole, whenever it is read."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def save_checkpoint(file: Path, content: Mapping[str, Any]) -> None:
    """Replace ``file`` by step, tensors and states; a crash leaves the old one."""
    partial = file.with_suffix(".partial")
    torch.save(dict(content), partial)
    os.replace(partial, file)


def read_checkpoint(file: Path, device: torch.device) -> dict[str, Any] | None:
    """What ``save_checkpoint`` wrote, on ``device``; None if there is no such file."""
    if not file.exists():
        return None
    content: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
    return content
