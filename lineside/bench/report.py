"""What a run of the benchmarks found, for people and for programs."""

import os
import platform
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Self

from pydantic import BaseModel, ConfigDict
from rich.table import Table

from lineside.bench.comparison import Comparison, Direction

_DIGITS = 3


class Machine(BaseModel):
    """Where it was measured; ratios of different machines are not the same experiment."""

    model_config = ConfigDict(frozen=True)

    processor: str
    cores: int
    load_before: float  # mean run queue of the last minute: what else the machine was doing
    system: str
    python: str
    lineside: str

    @classmethod
    def this_one(cls) -> Self:
        """The machine that runs this process."""
        return cls(
            processor=_processor(),
            cores=len(os.sched_getaffinity(0)),
            load_before=round(os.getloadavg()[0], 2),
            system=platform.platform(),
            python=platform.python_version(),
            lineside=version("lineside"),
        )


class BenchReport(BaseModel):
    """One run. ``skipped``: benchmarks that were not run, with what they need.

    ``broker`` of the stream's benchmarks; ``recipe`` and torch's ``threads`` of the models'.
    """

    model_config = ConfigDict(frozen=True)

    started_at: datetime
    machine: Machine
    broker: str | None = None
    recipe: str | None = None
    threads: int | None = None
    comparisons: tuple[Comparison, ...]
    skipped: dict[str, str]

    def table(self) -> Table:
        """A row per comparison."""
        table = Table("benchmark", "product", "baseline", "unit", "ratio", "spread", "aim", "", "measured")
        for each in self.comparisons:
            sign = "≥" if each.direction is Direction.AT_LEAST else "≤"
            table.add_row(
                each.name,
                _middle(each.product),
                _middle(each.baseline),
                each.unit,
                f"{each.ratio:.2f}",
                f"{min(each.ratios):.2f}–{max(each.ratios):.2f}",
                f"{sign} {each.aim:g}",
                "[green]met[/]" if each.met else "[red]missed[/]",
                f"{each.product_side} against {each.baseline_side}; {each.note}",
            )
        for name, need in self.skipped.items():
            table.add_row(name, "", "", "", "", "", "", "[yellow]skipped[/]", need)
        return table


def _middle(values: tuple[float, ...]) -> str:
    return f"{median(values):,.{_DIGITS}g}" if median(values) < 100 else f"{median(values):,.0f}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
