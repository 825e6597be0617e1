"""``lineside bench``: what the product costs on top of the work itself, and how fast the generator draws."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Benchmarks, as ratios against the bare work on this machine.", no_args_is_help=True)


@app.callback()
def _bench() -> None:
    """Benchmarks, as ratios against the bare work on this machine."""


class _Part(StrEnum):
    PUBLISH = "publish"
    INSPECT = "inspect"
    STORE = "store"
    MEMORY = "memory"


class _ModelPart(StrEnum):
    RESNET18 = "resnet18"
    NETWORK = "network"
    SEARCH = "search"
    HIGH_RESOLUTION = "high_resolution"
    ANOMALIB = "anomalib"


@app.command()
def stream(
    only: Annotated[list[_Part] | None, typer.Option(help="Only this one; may be given several times.")] = None,
    broker: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="A Kafka of the benchmarks' own. [default: embedded]")
    ] = None,
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="An empty PostgreSQL database, measured beside SQLite.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures, too.")] = None,
    quick: Annotated[bool, typer.Option(help="A minute instead of many; the ratios are coarse.")] = False,
) -> None:
    """Publishing, inspecting, storing and an inspect worker's memory, both sides measured alternately."""
    from lineside.bench.settings import FULL, QUICK, Bench, BenchSettings
    from lineside.bench.stream import run
    from lineside.terminal import err, out

    settings = BenchSettings(
        benches=tuple(Bench(name) for name in only or _Part),
        broker=broker,
        database=database,
        scale=QUICK if quick else FULL,
    )
    report = run(settings, err.print)
    if json_file is not None:
        json_file.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    out.print(report.table())


@app.command()
def synth(
    parts: Annotated[int, typer.Option(min=1, help="Parts per line; what a line needs once is shared by them.")] = 16,
) -> None:
    """Drawing parts: pictures per second of one core, with and without defects."""
    from lineside.bench.drawing import measure, table_of
    from lineside.terminal import out

    out.print(table_of(measure(parts)))


@app.command()
def models(
    only: Annotated[
        list[_ModelPart] | None,
        typer.Option(help="Only this one; may be given several times. [default: all but anomalib]"),
    ] = None,
    recipe: Annotated[str, typer.Option(help="A shipped recipe, or a YAML file.")] = "embedded",
    threads: Annotated[int, typer.Option(min=1, help="Of torch, on both sides.")] = 2,
    environment: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where anomalib is installed when it is measured.")
    ] = Path(".cache/bench-anomalib"),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures, too.")] = None,
    quick: Annotated[bool, typer.Option(help="A minute instead of several; the ratios are coarse.")] = False,
) -> None:
    """A recipe's speed and memory against bare networks and anomalib, both sides measured alternately."""
    from lineside.bench.model_settings import FULL, QUICK, ModelBench, ModelBenchSettings
    from lineside.bench.models import run
    from lineside.terminal import err, out

    settings = ModelBenchSettings(
        benches=tuple(ModelBench(name) for name in only or set(_ModelPart) - {_ModelPart.ANOMALIB}),
        recipe=recipe,
        threads=threads,
        scale=QUICK if quick else FULL,
        environment=environment,
    )
    report = run(settings, err.print)
    if json_file is not None:
        json_file.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    out.print(report.table())
