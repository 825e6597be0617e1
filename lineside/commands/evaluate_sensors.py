"""``lineside evaluate-sensors``: how good the memory of sensor windows is on recorded series."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.commands.output_file import folder_problems

if TYPE_CHECKING:
    from rich.table import Table

    from models.evaluate.sensors.alarms import SeriesFigures
    from models.evaluate.sensors.session import ScorerResult


# Series are sampled once a second here: 30 samples. A bearing's shaft makes a few turns in 0.1 s.
_SERIES_WINDOW_S, _RECORD_WINDOW_S = 30.0, 0.1


class _Split(StrEnum):
    BEGINNING = "beginning"
    ALTERNATE = "alternate"


def evaluate_sensors(
    dataset: Annotated[Path, typer.Option(metavar="DIR", help="Folder of CSV series, or of MATLAB bearing records.")],
    time_column: Annotated[str, typer.Option(help="Seconds or ISO moments.")] = "datetime",
    label_column: Annotated[str, typer.Option(help="Above 0 = anomalous; a file without it is normal.")] = "anomaly",
    ignore: Annotated[str, typer.Option(metavar="A,B", help="Columns that are neither.")] = "changepoint",
    recipe: Annotated[str, typer.Option(help="Recipe or recipe file.")] = "embedded",
    split: Annotated[
        _Split, typer.Option(help="beginning: learn first, then watch. alternate: learn every second block.")
    ] = _Split.BEGINNING,
    learned_rows: Annotated[int, typer.Option(min=16, help="How long the normal beginning is.")] = 400,
    window_s: Annotated[
        float | None, typer.Option(min=0.001, help="Length of a window. (default: 30 s; 0.1 s of a bearing record)")
    ] = None,
    rate: Annotated[float, typer.Option(min=1e-6, max=0.5, help="Stated false-alarm rate per window.")] = 0.01,
    channels: Annotated[bool, typer.Option("--channels", help="Each channel's |z| beside them.")] = False,
    files: Annotated[bool, typer.Option("--files", help="A row per file.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every figure.")] = None,
) -> None:
    """Detection delay, false alarms per hour, AUROC and F1 by row, beside the largest |z|."""
    from lineside.status_line import StatusLine
    from lineside.terminal import err, out
    from models.evaluate.sensors.series import SeriesColumns
    from models.evaluate.sensors.session import SeriesProtocol, run_series
    from models.evaluate.sensors.split import Split
    from wire.errors import ConfigurationError

    if problems := folder_problems("--json", json_file):
        raise ConfigurationError(problems)
    if any(dataset.rglob("*.mat")):
        _bearing_records(dataset, recipe, window_s or _RECORD_WINDOW_S, rate)
        return
    protocol = SeriesProtocol(
        dataset=dataset,
        columns=SeriesColumns(
            time=time_column, label=label_column, ignored=tuple(name for name in ignore.split(",") if name)
        ),
        recipe=recipe,
        split=Split(split.value),
        learned_rows=learned_rows,
        window_s=window_s or _SERIES_WINDOW_S,
        false_alarm_rate=rate,
        channels_alone=channels,
    )
    with StatusLine(err) as status:
        found = run_series(protocol, status.show)
    if json_file is not None:
        json_file.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    for name, reason in found.left_out.items():
        err.print(f"left out: {name}: {reason}", markup=False)
    out.print(_table(found.results, rate, by_file=files))


def _bearing_records(dataset: Path, recipe: str, window_s: float, rate: float) -> None:
    from rich.table import Table

    from lineside.terminal import out
    from models.evaluate.sensors.bearing import compare_records, race_lines, read_records
    from models.recipes.recipe import read_recipe

    records = read_records(dataset)
    lines = Table("record", "outer race's line / median", "inner race's line / median")
    for record in records:
        found = race_lines(record)
        lines.add_row(found.record, f"{found.outer:.1f}", f"{found.inner:.1f}")
    out.print(lines)
    against = Table(
        "learned (first half)", "tested", "windows", f"alarmed (stated {rate:.2%})", "AUROC against own half"
    )
    for pair in compare_records(records, read_recipe(recipe).sensors, window_s=window_s, rate=rate):
        auroc = "own second half" if pair.auroc is None else f"{pair.auroc:.3f}"
        against.add_row(pair.learned, pair.tested, str(pair.windows), f"{pair.share_alarmed:.1%}", auroc)
    out.print(against)


def _table(results: "tuple[ScorerResult, ...]", rate: float, *, by_file: bool) -> "Table":
    from rich.table import Table

    table = Table(
        "scorer", "series", "AUROC", "F1", "rows missed", "rows false", "events", "missed", "median delay",
        "false alarms / h", f"normal rows alarmed (stated {rate:.2%})",
    )  # fmt: skip
    for result in results:
        sums = [one for one in (result.with_events, result.without_events) if one.normal_rows_counted or one.events]
        for one in (*(result.series if by_file else ()), *sums):
            table.add_row(result.scorer, *_cells(one))
    return table


def _cells(one: "SeriesFigures") -> tuple[str, ...]:
    anomalous, normal = one.true_rows + one.missed_rows, one.false_rows + one.quiet_rows
    return (
        one.name,
        "–" if one.auroc is None else f"{one.auroc:.3f}",
        f"{one.f1:.3f}" if anomalous else "–",
        f"{one.missed_rows / anomalous:.1%}" if anomalous else "–",
        f"{one.false_rows / normal:.1%}" if normal else "–",
        str(one.events),
        str(one.missed),
        f"{one.median_delay_s:.0f} s" if one.delays_s else "–",
        f"{one.false_alarms_per_hour:.1f}",
        f"{one.normal_share_alarmed:.2%}",
    )
