"""What training measured along the way: a table for programs, a picture for people."""

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.evaluate.report.chart import Axis, Line, legend, line_chart
from models.train.decoding import DecodingProgress
from models.train.distillation import DistillationProgress
from models.train.prompt_stage import PromptProgress
from models.train.segmentation import SegmentationProgress

_Row = DistillationProgress | DecodingProgress | PromptProgress | SegmentationProgress
_STAGES = {
    DistillationProgress: ("distillation", {"fine R²": "r2_fine", "coarse R²": "r2_coarse"}),
    DecodingProgress: (
        "decoding",
        {
            "cells, 4 references": "with_memory_cells",
            "images, 4 references": "with_memory_images",
            "cells, none": "without_cells",
            "images, none": "without_images",
        },
    ),
    PromptProgress: ("prompts", {"patch AUROC": "auroc", "texts apart": "apart"}),
    SegmentationProgress: ("segmentation", {"IoU": "iou", "coarse IoU": "coarse_iou"}),
}


class Curves:
    """Keeps ``<stage>.csv`` and ``<stage>.html`` in a folder; goes on with a table that is there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._rows: dict[str, list[dict[str, float]]] = {
            stage: _read(folder / f"{stage}.csv") for stage, _ in _STAGES.values()
        }

    def add(self, progress: _Row) -> None:
        """Write a row; rows from its step on, which an interrupted run left, are replaced."""
        stage, columns = _STAGES[type(progress)]
        row = _flat(asdict(progress))
        rows = [old for old in self._rows[stage] if old["step"] < row["step"]] + [row]
        self._rows[stage] = rows
        with (self._folder / f"{stage}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            writer.writerows(rows)
        lines = {name: Line(points=[(old["step"], old[key]) for old in rows]) for name, key in columns.items()}
        chart = line_chart(lines, Axis(title="step", high=row["steps"]), Axis(title=stage))
        style = "<style>body{font:13px sans-serif}svg{max-width:40em}.key{width:24px}</style>"
        page = f"<!doctype html><meta charset=utf-8>{style}<h1>{stage}</h1>{legend(list(lines))}{chart}"
        (self._folder / f"{stage}.html").write_text(page, encoding="utf-8")

    def last(self) -> dict[str, dict[str, float]]:
        """The last row of each stage."""
        return {stage: rows[-1] for stage, rows in self._rows.items() if rows}


def _read(file: Path) -> list[dict[str, float]]:
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as opened:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(opened)]


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, float]:
    flat: dict[str, float] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}_") if isinstance(value, dict) else {f"{prefix}{key}": float(value)}
    return flat
