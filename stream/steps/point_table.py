"""Points as a file's reader found them, and the bound on how many there may be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wire.errors import DecodeError

# 240 MB as float32 xyz, beyond any inline sensor; a forged header that names more cannot fill the memory.
MAX_POINTS: Final = 20_000_000


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class PointTable:
    """xyz (N, 3) float32 in the file's unit, NaN = no return; ``grid`` = (height, width) where the file says so."""

    xyz: NDArray[np.float32]
    grid: tuple[int, int] | None = None


def check_count(count: int, kind: str) -> int:
    """``count`` if a cloud may have so many points, else DecodeError('pointcloud')."""
    if not 1 <= count <= MAX_POINTS:
        raise DecodeError("pointcloud", f"{kind} with {count} points; a cloud has 1 to {MAX_POINTS}")
    return count


def read_text(text: bytes, *, columns: Sequence[str], count: int) -> NDArray[np.float32]:
    """(count, 3) from ``count`` rows of numbers between blanks. ValueError if there are fewer, or other words."""
    words = text.decode("ascii").split(None, count * len(columns))[: count * len(columns)]
    table = np.array(words, dtype=np.float64).reshape(count, len(columns))  # (N, C)
    return to_float32(table[:, [columns.index(axis) for axis in "xyz"]])


def to_float32(xyz: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 3) as float32; what is beyond its range becomes infinite without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return xyz.astype(np.float32)


def stack_columns(columns: Iterable[NDArray[Any]]) -> NDArray[np.float32]:
    """(N, 3) from x, y and z, each (N,) of any number type; a NaN that signals stays one without a warning."""
    with np.errstate(invalid="ignore"):
        return to_float32(np.stack([column.astype(np.float64) for column in columns], axis=1))
