"""What ``lineside bench scaling`` measured, and what follows from it for many lines."""

from dataclasses import asdict
from typing import Any, Final

from rich.table import Table

from lineside.bench.scaling import ScalingFigures
from lineside.bench.scaling_model import FleetForecast, forecasts

# From one hall to the most that anybody has asked for.
LINE_COUNTS: Final = (10, 25, 50, 100, 250, 500, 1000)
# `lineside topics` by default; and what hundreds of lines, and a thousand, are made for.
PARTITION_COUNTS: Final = (24, 240, 960)
VERDICT_WITHIN_S: Final = 1.0


def forecast_all(worker_parts_per_s: float, line_rate_hz: float) -> dict[int, list[FleetForecast | None]]:
    """For each number of partitions the fewest workers for each of ``LINE_COUNTS``."""
    return {
        partitions: forecasts(
            LINE_COUNTS,
            partitions=partitions,
            rate_hz=line_rate_hz,
            worker_parts_per_s=worker_parts_per_s,
            p99_s=VERDICT_WITHIN_S,
        )
        for partitions in PARTITION_COUNTS
    }


def document(
    figures: ScalingFigures | None,
    found: dict[int, list[FleetForecast | None]],
    *,
    worker_parts_per_s: float,
    line_rate_hz: float,
) -> dict[str, Any]:
    """For programs."""
    return {
        "measured": figures.model_dump() if figures else None,
        "worker_parts_per_s": worker_parts_per_s,
        "line_rate_hz": line_rate_hz,
        "forecasts": {
            str(partitions): [asdict(one) if one else None for one in column] for partitions, column in found.items()
        },
    }


def measured_table(figures: ScalingFigures) -> Table:
    """Throughput and rebalances."""
    table = Table(
        title=f"{figures.lines} lines on {figures.partitions} partitions, {figures.parts} parts, "
        f"{figures.cores} cores, load {figures.load_average:.1f}",
        title_justify="left",
    )
    for column in ("what", "figure"):
        table.add_column(column)
    for one in figures.throughputs:
        shares = "+".join(map(str, one.partitions))
        table.add_row(
            f"{one.workers} worker(s)",
            f"{one.parts_per_s:.1f} parts/s; {one.parts_per_core_s:.1f} per second of CPU = "
            f"{one.lines_per_worker:.1f} lines per core; partitions {shares}",
        )
    for change in figures.rebalances:
        table.add_row(
            f"{change.change} of a worker",
            f"every partition read again after {change.reassigned_s:.1f} s; longest pause {change.pause_s:.2f} s "
            f"(usual {change.usual_pause_s:.2f} s)",
        )
    table.add_row("results that came twice", str(figures.repeated_results))
    return table


def forecast_table(
    found: dict[int, list[FleetForecast | None]], *, worker_parts_per_s: float, line_rate_hz: float
) -> Table:
    """The fewest workers that judge 99 % of the parts within ``VERDICT_WITHIN_S``."""
    table = Table(
        title=f"Simulated: {line_rate_hz:g} parts/s per line, {worker_parts_per_s:.1f} parts/s per worker, "
        f"99 % within {VERDICT_WITHIN_S:g} s",
        title_justify="left",
    )
    for column in ("lines", *(f"workers, {partitions} partitions" for partitions in found)):
        table.add_column(column)
    for number, lines in enumerate(LINE_COUNTS):
        table.add_row(str(lines), *(_cell(column[number]) for column in found.values()))
    return table


def _cell(found: FleetForecast | None) -> str:
    if found is None:
        return "more than one per partition"
    return f"{found.workers}; busiest {found.busiest:.0%}; p99 {found.p99_s:.2f} s"


def best_rate(figures: ScalingFigures) -> float:
    """Parts per second of one worker that has a core to itself, from the fewest workers that were measured."""
    return min(figures.throughputs, key=lambda one: one.workers).parts_per_core_s
