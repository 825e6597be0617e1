"""A recorded series of sensor channels with a label per row, and its CSV form."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from wire.errors import ConfigurationError


class SeriesColumns(BaseModel):
    """Names of columns. ``time``: seconds or ISO moments. A file without ``label`` is normal throughout."""

    model_config = ConfigDict(frozen=True)

    time: str = "datetime"
    label: str = "anomaly"
    ignored: tuple[str, ...] = ("changepoint",)


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """times_s (N,) rising, values (N, C) with NaN for empty cells, anomalous (N,) bool."""

    name: str
    channels: tuple[str, ...]
    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    anomalous: NDArray[np.bool_]

    @property
    def events(self) -> list[tuple[int, int]]:
        """Runs of anomalous rows as [start, end)."""
        edges = np.diff(np.concatenate([[0], self.anomalous.astype(np.int8), [0]]))
        return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def read_series(root: Path, columns: SeriesColumns) -> list[Series]:
    """Every CSV file under ``root``, by path. ConfigurationError names all files that cannot be read, and why."""
    files = sorted(root.rglob("*.csv"))
    if not files:
        raise ConfigurationError([f"--dataset: {root} holds no .csv file"])
    found, problems = [], []
    for file in files:
        try:
            found.append(_read(file, file.relative_to(root).as_posix(), columns))
        except (OSError, ValueError) as error:
            problems.append(f"{file}: {error}")
    if problems:
        raise ConfigurationError(problems)
    return found


def _read(file: Path, name: str, columns: SeriesColumns) -> Series:
    text = file.read_text(encoding="utf-8-sig")
    header, _, _ = text.partition("\n")
    delimiter = max(";\t,", key=header.count)
    rows = list(csv.reader(text.splitlines(), delimiter=delimiter))
    names = rows[0]
    if columns.time not in names:
        raise ValueError(f"no column {columns.time!r} among {', '.join(names)}")
    other = {columns.time, columns.label, *columns.ignored}
    channels = tuple(one for one in names if one not in other)
    cells = np.array(rows[1:], dtype=np.str_).reshape(-1, len(names))
    times = np.array([_seconds(cell) for cell in cells[:, names.index(columns.time)]])
    values = np.stack([_numbers(cells[:, names.index(one)]) for one in channels], axis=1)
    labels = _numbers(cells[:, names.index(columns.label)]) if columns.label in names else np.zeros(len(times))
    order = np.argsort(times, kind="stable")
    return Series(
        name=name, channels=channels, times_s=times[order], values=values[order], anomalous=(labels > 0)[order]
    )


def _seconds(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        moment = datetime.fromisoformat(cell)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _numbers(cells: NDArray[np.str_]) -> NDArray[np.float64]:
    return np.where(cells == "", "nan", cells).astype(np.float64)
