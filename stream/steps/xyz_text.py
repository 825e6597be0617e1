"""XYZ text: a point per line, its coordinates first, between blanks, commas or semicolons."""

from typing import Final

import numpy as np

from stream.steps.point_table import MAX_POINTS, PointTable, check_count, to_float32
from wire.errors import DecodeError

_COMMENTS: Final = ("#", "//")


def read_xyz(data: bytes) -> PointTable:
    """The points; further columns, comments and empty lines are ignored, also one line of names at the beginning."""
    try:
        lines = data.decode("ascii").replace(",", " ").replace(";", " ").splitlines()
    except UnicodeDecodeError as error:
        raise DecodeError("pointcloud", f"XYZ cannot be read: {error}") from error
    rows: list[list[str]] = []
    for number, line in enumerate(lines):
        words = line.split()
        if not words or words[0].startswith(_COMMENTS):
            continue
        if not rows and [word.lower() for word in words[:3]] == ["x", "y", "z"]:
            continue
        if len(words) < 3:
            raise DecodeError("pointcloud", f"XYZ line {number + 1} has {len(words)} numbers, expected 3")
        rows.append(words[:3])
        if len(rows) > MAX_POINTS:
            break
    check_count(len(rows), "XYZ")
    try:
        return PointTable(xyz=to_float32(np.array(rows, dtype=np.float64)))
    except ValueError as error:
        raise DecodeError("pointcloud", f"XYZ cannot be read: {error}") from error
