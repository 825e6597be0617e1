"""``lineside bench``: what the product costs on top of the work itself, and how fast the generator draws."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lineside.bench.comparison import Comparison

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
    TOKEN_SEARCH = "token_search"
    ANOMALIB = "anomalib"


@app.command()
def stream(
    only: Annotated[list[_Part] | None, typer.Option(help="Only this one; may be given several times.")] = None,
    broker: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="A Kafka of the benchmarks' own. (default: embedded)")
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
def camera(
    address: Annotated[
        str | None,
        typer.Option("--camera", metavar="ADDRESS", help="A GigE or USB3 Vision camera. (default: Aravis' fake one)"),
    ] = None,
    rate: Annotated[float, typer.Option(min=1, help="Frames per second that the camera is asked for.")] = 50.0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures, too.")] = None,
    quick: Annotated[bool, typer.Option(help="Half a minute instead of eight; the ratios are coarse.")] = False,
) -> None:
    """Frames per second of a camera that Kafka gets, against Aravis alone; the connector's memory over time."""
    import contextlib
    import tempfile

    from lineside.bench.camera import FULL, QUICK, bench_camera, fake_camera
    from lineside.terminal import err

    scale = QUICK if quick else FULL
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="lineside-bench-")))
        err.print(f"measuring: camera, for {2 * scale.repetitions * scale.seconds + scale.memory_s:.0f} s")
        where = address or opened.enter_context(fake_camera())
        _report(bench_camera(folder, where, rate, scale), json_file)


@app.command()
def opcua(
    nodes: Annotated[int, typer.Option(min=1, help="Nodes that change.")] = 100,
    per_second: Annotated[float, typer.Option(min=100, help="Value changes per second, of all nodes together.")] = 5000,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures, too.")] = None,
    quick: Annotated[bool, typer.Option(help="A minute instead of four; the ratios are coarse.")] = False,
) -> None:
    """Value changes of an OPC UA server per second that reach Kafka, against a bare subscriber."""
    import dataclasses
    import tempfile

    from lineside.bench.opcua import FULL, QUICK, bench_opcua

    scale = dataclasses.replace(QUICK if quick else FULL, nodes=nodes, per_second=per_second)
    with tempfile.TemporaryDirectory(prefix="lineside-bench-") as folder:
        _report(bench_opcua(Path(folder), scale), json_file)


@app.command()
def spool(
    folder: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            writable=True,
            help="On the disk that is measured; a folder of its own is made in it.",
        ),
    ] = Path("."),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures, too.")] = None,
    quick: Annotated[bool, typer.Option(help="Seconds instead of a minute; the ratios are coarse.")] = False,
) -> None:
    """The spool's writing and draining, against a plain file that gets the same bytes."""
    import tempfile

    from lineside.bench.spool import FULL, QUICK, bench_spool

    with tempfile.TemporaryDirectory(prefix=".lineside-bench-", dir=folder) as own:
        _report(bench_spool(Path(own), QUICK if quick else FULL), json_file)


def _report(comparisons: "list[Comparison]", json_file: Path | None) -> None:
    from datetime import UTC, datetime

    from lineside.bench.report import BenchReport, Machine
    from lineside.terminal import out

    report = BenchReport(
        started_at=datetime.now(UTC), machine=Machine.this_one(), comparisons=tuple(comparisons), skipped={}
    )
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
        typer.Option(help="Only this one; may be given several times. (default: all but anomalib)"),
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


@app.command()
def tokens(
    recipe: Annotated[str, typer.Option(help="A token recipe.")] = "spgdd",
    backbone: Annotated[str, typer.Option(help="A model of open_clip, or tiny-clip; random weights.")] = (
        "ViT-B-16-plus-240"
    ),
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe; repeatable.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of torch, on both sides.")] = 2,
    repetitions: Annotated[int, typer.Option(min=1, help="Pairs that are measured; the median counts.")] = 15,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures, too.")] = None,
) -> None:
    """A token recipe against the network that it sees with: its wrapper, and everything, measured alternately."""
    from lineside.bench.tokens import run
    from lineside.recipe_changes import recipe_changes
    from lineside.terminal import err, out

    changed = recipe_changes(changes or [], None, None)
    report = run(recipe, backbone, changes=changed, threads=threads, repetitions=repetitions, tell=err.print)
    if json_file is not None:
        json_file.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    out.print(report.table())


@app.command()
def serving(
    recipe: Annotated[str, typer.Option(help="spgdd or samllava, or a YAML file of that kind.")] = "spgdd",
    backbone: Annotated[
        str | None, typer.Option(help="A model of open_clip, or tiny-clip. (default: the recipe's)")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of the backbone. (default: random ones, which take as long)")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 …")] = "cpu",
    lines: Annotated[int, typer.Option(min=2, help="Whose parts share batches; one of them has a full memory.")] = 64,
    references: Annotated[int, typer.Option(min=1, help="Of every other line.")] = 4,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="Repeatable. (default: 1, 8, 32, 64)")] = None,
    rate: Annotated[float, typer.Option(min=0.01, help="Parts per second of one line.")] = 1.0,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe; repeatable.")
    ] = None,
    repetitions: Annotated[int, typer.Option(min=1, help="The median counts.")] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures, too.")] = None,
) -> None:
    """How many lines one device serves: parts per second by batch, memory per line, the search they share."""
    from lineside.bench.serving import ServingSettings, bench_serving
    from lineside.recipe_changes import recipe_changes
    from lineside.terminal import err, out

    settings = ServingSettings(
        recipe=recipe,
        changes={"backbone.seed": "0", **recipe_changes(changes or [], backbone, weights)},
        device=device,
        lines=lines,
        references=references,
        batches=tuple(batch or (1, 8, 32, 64)),
        repetitions=repetitions,
    )
    figures = bench_serving(settings, err.print)
    if json_file is not None:
        json_file.write_text(figures.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for table in figures.tables(rate):
        out.print(table)


@app.command()
def scaling(
    broker: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="A Kafka of the benchmark's own (`make kafka`). (default: simulate)"),
    ] = None,
    workers: Annotated[list[int] | None, typer.Option(min=1, help="How many; repeatable. (default: 1, 2)")] = None,
    lines: Annotated[int, typer.Option(min=1, help="Lines of the backlog.")] = 48,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of lineside.frames.")] = 24,
    parts: Annotated[int, typer.Option(min=16, help="Parts in the backlog of one measurement.")] = 600,
    rate: Annotated[float, typer.Option(min=0.01, help="Parts per second of one line, for lines per worker.")] = 1.0,
    worker_rate: Annotated[
        float | None, typer.Option(min=0.01, help="Simulate with so many parts/s of a worker. (default: as measured)")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures, too.")] = None,
) -> None:
    """Lines per worker, rebalances, throughput by workers on a real Kafka, and a simulation to 1 000 lines."""
    import json
    import tempfile

    from lineside.bench import scaling_report
    from lineside.bench.scaling import bench_scaling
    from lineside.terminal import err, out
    from wire.errors import ConfigurationError
    from wire.kafka.settings import KafkaSettings

    figures = None
    if broker is not None:
        with tempfile.TemporaryDirectory(prefix="lineside-bench-") as folder:
            figures = bench_scaling(
                Path(folder),
                KafkaSettings(bootstrap=broker),
                lines=lines,
                partitions=partitions,
                parts=parts,
                workers=workers or (1, 2),
                line_rate_hz=rate,
                tell=err.print,
            )
        out.print(scaling_report.measured_table(figures))
    if worker_rate is not None:
        chosen = worker_rate
    elif figures is not None:
        chosen = scaling_report.best_rate(figures)
    else:
        raise ConfigurationError(["scaling: give --broker to measure, or --worker-rate to simulate alone"])
    found = scaling_report.forecast_all(chosen, rate)
    out.print(scaling_report.forecast_table(found, worker_parts_per_s=chosen, line_rate_hz=rate))
    if json_file is not None:
        report = scaling_report.document(figures, found, worker_parts_per_s=chosen, line_rate_hz=rate)
        json_file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
