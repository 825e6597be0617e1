"""Which files of a folder are streamed, and in which order."""

import os
import re
from pathlib import Path
from typing import Final

from connectors.replay.settings import FolderOrder
from wire.payload_files import payload_file

# Folders that hold truth about images, never images of parts (MVTec AD, VisA, Magnetic-tile and their like).
ANNOTATIONS: Final = frozenset({"masks", "mask", "ground_truth", "labels", "label", "annotations"})
# Folders of good parts.
NORMALS: Final = frozenset({"good", "normal", "normals", "ok"})

_DIGITS: Final = re.compile(r"(\d+)")


def list_frames(folder: Path, order: FolderOrder) -> list[Path]:
    """Every image and cloud below ``folder``, numbers in names by their value, hidden and annotation folders left out.

    ``normals_first``: those of ``train/good`` first, then those of other folders of good parts. OSError if the folder
    cannot be read.
    """
    os.stat(folder)  # os.walk is silent about a folder that is not there
    found = []
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name.lower() not in ANNOTATIONS and not name.startswith(".")]
        found += [
            Path(directory, name) for name in files if not name.startswith(".") and payload_file(name) is not None
        ]
    found.sort(key=lambda path: _natural(path.relative_to(folder)))
    if order is FolderOrder.NORMALS_FIRST:
        found.sort(key=lambda path: _rank(path.relative_to(folder)))  # stable: within a rank the order stays
    return found


def _natural(relative: Path) -> list[tuple[bool, int, str]]:
    """A key that sorts ``2.png`` before ``10.png``."""
    return [
        (piece.isdigit(), int(piece) if piece.isdigit() else 0, piece) for piece in _DIGITS.split(str(relative).lower())
    ]


def _rank(relative: Path) -> int:
    folders = {part.lower() for part in relative.parts[:-1]}
    if not folders & NORMALS:
        return 2
    return 0 if "train" in folders else 1
