"""How many lines one device serves with a token recipe, for people and for programs."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict
from rich.table import Table

from lineside.bench.comparison import Comparison
from lineside.bench.report import BenchReport, Machine

# A worker that is busy all the time answers late: queues grow without bound as its load nears 1.
BUSY_SHARE: Final = 0.7
_MIB: Final = 1024 * 1024


class BatchFigures(BaseModel):
    """Parts per second of one batch size, each part of another line as far as there are so many.

    ``away``: the lines' banks came from the host for this batch. ``working_bytes`` on the device beside weights and
    banks, None on a CPU.
    """

    model_config = ConfigDict(frozen=True)

    batch: int
    backbone_per_s: float
    recipe_per_s: float
    away_per_s: float
    working_bytes: int | None


class ServingFigures(BaseModel):
    """One run. ``state_bytes``: of a line with ``references``; ``full_bytes``: of the one with a full memory.

    ``weights_bytes``, ``banks_bytes`` (room that the recipe takes for banks): on the device, None and 0 on a CPU.
    """

    model_config = ConfigDict(frozen=True)

    started_at: datetime
    machine: Machine
    device: str
    recipe: str
    backbone: str
    lines: int
    references: int
    state_bytes: int
    full_bytes: int
    weights_bytes: int | None
    banks_bytes: int
    batches: tuple[BatchFigures, ...]
    searches: tuple[Comparison, ...]

    @property
    def best_per_s(self) -> float:
        """Of the batch size that gives most."""
        return max(each.recipe_per_s for each in self.batches)

    def lines_by_time(self, rate_hz: float) -> int:
        """Lines with so many parts per second each that the device has time for."""
        return int(self.best_per_s * BUSY_SHARE / rate_hz)

    def lines_by_memory(self) -> int:
        """Lines whose banks stay on the device; those of more lines come from the host each time."""
        return self.banks_bytes // self.state_bytes

    def tables(self, rate_hz: float) -> list[Table]:
        """Batches, the search, and what follows from them."""
        table = Table(
            "batch", "backbone, 1/s", "recipe, 1/s", "banks from the host, 1/s", "recipe / backbone", "memory, MiB",
            title=f"{self.recipe}, {self.backbone}, {self.device}: {self.lines} lines of {self.references} references",
            title_justify="left",
        )  # fmt: skip
        for each in self.batches:
            table.add_row(
                str(each.batch),
                f"{each.backbone_per_s:,.1f}",
                f"{each.recipe_per_s:,.1f}",
                f"{each.away_per_s:,.1f}",
                f"{each.backbone_per_s / each.recipe_per_s:.2f}",
                "" if each.working_bytes is None else f"{each.working_bytes / _MIB:,.0f}",
            )
        found = Table("what", "figure")
        found.add_row("memory of a line", f"{self.state_bytes / _MIB:.1f} MiB; a full one {self.full_bytes / _MIB:.1f}")
        if self.weights_bytes is not None:
            found.add_row("weights", f"{self.weights_bytes / _MIB:,.0f} MiB")
        found.add_row(
            f"lines at {rate_hz:g} parts/s, busy {BUSY_SHARE:.0%}", f"{self.lines_by_time(rate_hz):,} by time"
        )
        if self.banks_bytes:
            found.add_row("lines whose banks stay on the device", f"{self.lines_by_memory():,}")
        search = BenchReport(started_at=self.started_at, machine=self.machine, comparisons=self.searches, skipped={})
        return [table, found, search.table()]
