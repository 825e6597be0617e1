"""``lineside train``: make weights of the kind that ships, or that a recipe needs."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from typer.core import TyperGroup

from lineside.commands.options import DEFAULT_DATA_DIR, SITE_PANEL, DataDir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lineside.line_learner import LineLearner
    from models.train.decoding import DecodingProgress
    from models.train.distillation import DistillationProgress
    from models.train.prompt_stage import PromptProgress
    from models.train.segmentation import SegmentationProgress
    from models.train.segmentation_samples import SampleSource

    Report = Callable[[str, SegmentationProgress | PromptProgress], None]

_DRAWN: Final = "procedural"

Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same weights.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads; other numbers round differently.")]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")]
Layout = Annotated[str | None, typer.Option(help="Of --data, as in evaluate. (default: by looking)")]
Data = Annotated[
    str,
    typer.Option(metavar="procedural|DIR", help="Drawn lines, or labelled images with masks in a layout of evaluate."),
]
Batch = Annotated[int, typer.Option(min=1, help="Pictures per step.")]
MetricsPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Serve the curves to Prometheus on this loopback port; 0 = any free one."),
]
DrawnSide = Annotated[int, typer.Option(min=32, help="Side of the drawn pictures.")]


class _ByRecipe(TyperGroup):
    """Takes ``train --recipe NAME …`` as ``train NAME …``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first, _, name = (args[0] if args else "").partition("=")
        if first == "--recipe":
            args = [name, *args[1:]] if name else args[1:]
        return super().parse_args(ctx, args)


app = typer.Typer(no_args_is_help=True, cls=_ByRecipe)


@app.callback()
def train() -> None:
    """Train the networks that recipes ship with, or that they need: `lineside train --recipe NAME …` is the same."""


@app.command()
def embedded(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Checkpoints, curves, weights, model card.")] = Path(
        "training/embedded"
    ),
    teacher: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Weights of a network that saw natural images: Keras' MobileNet v1 or a torchvision or timm ResNet. "
            "(default: fixed filters)",
        ),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Photographs of good surfaces. (default: drawn ones)"
        ),
    ] = None,
    begin_with: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Weights of an earlier training to go on from. (default: nothing learned)",
        ),
    ] = None,
    distillation_steps: Annotated[
        int, typer.Option(min=0, help="Of the first stage; 0 keeps the student of --begin-with.")
    ] = 6000,
    decoding_steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Of the second stage, in one training. (default: two trainings in turn, of 1900 and 4000 steps)",
        ),
    ] = None,
    decoding_batch: Annotated[
        int | None,
        typer.Option(min=1, help="Of the second stage, times ten pictures a step. (default: 1; second training: 2)"),
    ] = None,
    curriculum_stage: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=2,
            help="The second stage in one training: this one of two. (default: the last, or both)",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that draw parts for the second stage; they change only the time.")
    ] = 1,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
) -> None:
    """Train the embedded recipe's networks. Interrupted, the same command goes on at the last checkpoint."""
    from models.train.embedded_trainings import decoding_runs, embedded_trainings, train_in_turn

    trainings = embedded_trainings(
        seed=seed,
        distillation_steps=distillation_steps,
        decoding=decoding_runs(steps=decoding_steps, batch=decoding_batch, curriculum_stage=curriculum_stage),
        going_on=begin_with is not None,
        workers=workers,
    )
    with _bars() as shown:
        tasks = {
            (number, stage): shown.add_task(f"{number} {name}", total=steps)
            for number, each in enumerate(trainings, 1)
            for stage, name, steps in (
                ("distillation", "student", each.distillation.steps),
                ("decoding", "decoder", each.decoding.steps),
            )
            if steps
        }

        def report(number: int, progress: "DistillationProgress | DecodingProgress") -> None:
            shown.update(tasks[number, progress.stage], completed=progress.step)
            shown.console.print(f"{number} {progress.stage} {progress.step}: {progress.measured}")

        trained = train_in_turn(
            trainings,
            out,
            teacher_file=teacher,
            photos=photos,
            begin_with=begin_with,
            device=device,
            threads=threads,
            report=report,
        )
    typer.echo(f"weights: {trained.weights}\nsha256:  {trained.sha256}")
    typer.echo("Put both into the section 'network' of a recipe file to use them.")


@app.command()
def kinds(
    recipe: Annotated[str, typer.Option(help="A shipped recipe, or a YAML file, whose network sees.")] = "embedded",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Weights and card.")] = Path("training/kinds"),
    photos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", exists=True, file_okay=False, help="Photographs of good surfaces, too."),
    ] = None,
    depth: Annotated[bool, typer.Option("--depth", help="Of defects in depth maps and clouds, not in images.")] = False,
    lines: Annotated[int, typer.Option(min=1, help="Drawn lines to learn from, nine defects each.")] = 1000,
    held_out_lines: Annotated[int, typer.Option(min=12, help="Lines of other families, to measure on.")] = 120,
    steps: Annotated[int, typer.Option(min=1, help="Of the optimizer.")] = 1200,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
) -> None:
    """Train the classifier that gives regions their types, for a recipe's network."""
    from models.train.kinds import KindTraining, train_kinds

    with _bars() as shown:
        task = shown.add_task("lines drawn", total=lines + held_out_lines)
        trained = train_kinds(
            KindTraining(lines=lines, held_out_lines=held_out_lines, steps=steps, seed=seed, in_depth=depth),
            out,
            recipe=recipe,
            photos=photos,
            device=device,
            threads=threads,
            report=lambda done: shown.update(task, completed=done),
        )
    for name, value in trained.figures.rows():
        typer.echo(f"{name}: {value}")
    typer.echo(trained.figures.matrix())
    typer.echo(f"weights: {trained.file}\nsha256:  {trained.sha256}")
    typer.echo(f"Put both into the section '{'kinds_on_depth' if depth else 'kinds'}' of the recipe file to use them.")


@app.command()
def samllava(
    sam: Annotated[
        str, typer.Option(help="vit_b, vit_l, vit_h, mobile; tiny or tiny_mobile with random weights.")
    ] = "mobile",
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="SAM's or MobileSAM's checkpoint; not needed for tiny ones.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Checkpoints, curves, weights, report.")] = Path(
        "training/samllava"
    ),
    data: Data = _DRAWN,
    layout: Layout = None,
    prompt: Annotated[str, typer.Option(help="What SAM is told of a coarse mask: mask, box or points.")] = "mask",
    ablations: Annotated[bool, typer.Option(help="Also train every row of the paper's table, for the report.")] = False,
    steps: Annotated[int, typer.Option(min=1, help="Of the optimizer, for each variant.")] = 3000,
    batch: Batch = 8,
    learning_rate: Annotated[float, typer.Option(min=1e-7, help="Peak; the paper's is 1e-4.")] = 1e-4,
    side_px: DrawnSide = 512,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
    metrics_port: MetricsPort = None,
) -> None:
    """Train SAM-LLaVA's segmentation stage. Interrupted, the same command goes on at the last checkpoint."""
    from models.train.samllava import ABLATIONS, SegmenterTraining, checked_prompt, checked_size, train_segmenter
    from models.train.segmentation import SegmentationSettings

    settings = SegmenterTraining(
        size=checked_size(sam, weights),
        weights=weights,
        sam_seed=seed,
        segmentation=SegmentationSettings(
            steps=steps, prompt=checked_prompt(prompt), batch=batch, learning_rate=learning_rate, seed=seed
        ),
        ablations=ABLATIONS if ablations else (),
    )
    samples = _samples(data, layout, side_px)
    with _bars() as shown, _telling(metrics_port, _per_variant(shown, steps)) as report:
        trained = train_segmenter(settings, samples, out, device=device, threads=threads, report=report)
    typer.echo(f"weights: {trained.file}\nsha256:  {trained.sha256}\nreport:  {out / 'REPORT.md'}")
    encoder = f"sam.seed={seed}" if weights is None else f"sam.weights={weights.resolve()}"
    typer.echo(f"Use them: --set sam.size={sam} --set {encoder} --set sam.trained={trained.file.resolve()}")


@app.command()
def spgdd(
    recipe: Annotated[
        str, typer.Option(help="A recipe of the kind spgdd or samllava, whose network sees and reads.")
    ] = "spgdd",
    backbone: Annotated[
        str | None, typer.Option(metavar="NAME", help="--set backbone.name=NAME: a model of open_clip, tiny-clip.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="--set backbone.weights=FILE: weights of that model.")
    ] = None,
    changed: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe.")
    ] = None,
    line: Annotated[
        str | None,
        typer.Option(metavar="LINE", help="Learn the words of this line of a running site, which it then judges by."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Checkpoints, curves, weights, report. (default: training/spgdd, or /LINE)"),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="procedural|DIR",
            help="Drawn lines, or labelled images with masks. (default: with --line its good parts, into which defects "
            "are pasted; else procedural)",
        ),
    ] = None,
    layout: Layout = None,
    class_name: Annotated[
        str | None, typer.Option(help="What the parts are called in the prompts. (default: as the line says; surface)")
    ] = None,
    ablations: Annotated[bool, typer.Option(help="Also train with each term left out or as printed.")] = False,
    steps: Annotated[int, typer.Option(min=1, help="Of the optimizer, for each variant.")] = 500,
    batch: Batch = 8,
    learning_rate: Annotated[float, typer.Option(min=1e-7, help="Peak.")] = 1e-3,
    side_px: DrawnSide = 240,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
    metrics_port: MetricsPort = None,
    by: Annotated[
        str,
        typer.Option(envvar="LINESIDE_USER", help="With --line: who, for the audit rows. (default: the login name)"),
    ] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", envvar="LINESIDE_CONFIG", rich_help_panel=SITE_PANEL,
            help="YAML file with the settings of the site of --line: its own, or a worker's or dashboard's.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Train SPGDD-GPT's words (the prompt stage), for a recipe or for one line. Interrupted, it goes on from there."""
    from lineside.recipe_changes import recipe_changes
    from models.train.prompt_stage import PromptStageSettings
    from models.train.spgdd import ABLATIONS, train_words

    changes = recipe_changes(changed or [], backbone, weights)
    learner = None if line is None else _learner(line, data_dir, config)
    own = None if learner is None else learner.spec
    folder = out or Path("training/spgdd") / (line or "")
    if learner is not None and data is None:
        samples: SampleSource = learner.samples(side_px)
    else:
        samples = _samples(data or _DRAWN, layout, side_px)
    settings = PromptStageSettings(
        steps=steps,
        class_name=class_name or (own.class_name if own else "") or "surface",
        flaws=own.defect_words if own else (),
        batch=batch,
        learning_rate=learning_rate,
        seed=seed,
    )
    with _bars() as shown, _telling(metrics_port, _per_variant(shown, steps)) as report:
        trained = train_words(
            settings,
            samples,
            folder,
            recipe=recipe,
            changes=changes,
            ablations=ABLATIONS if ablations else {},
            device=device,
            threads=threads,
            report=report,
        )
    typer.echo(f"weights: {trained.file}\nsha256:  {trained.sha256}\nreport:  {folder / 'REPORT.md'}")
    if learner is None:
        typer.echo(f"Use them: --recipe {recipe} --set text.learned.weights={trained.file.resolve()}")
    else:
        typer.echo(f"{line}: {learner.give(trained, steps=steps, by=by)}")


def _learner(line: str, data_dir: Path, config: Path | None) -> "LineLearner":
    from lineside.line_learner import LineLearner
    from lineside.site import Site

    return LineLearner(Site(data_dir=data_dir, config=config), line)


def _samples(data: str, layout: str | None, side_px: int) -> "SampleSource":
    from models.train.segmentation_samples import DrawnSamples, labelled_samples

    return DrawnSamples(side_px=side_px) if data == _DRAWN else labelled_samples(Path(data), layout)


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )


@contextmanager
def _telling(port: int | None, report: "Report") -> "Iterator[Report]":
    """``report``, which tells Prometheus, too, where a port is given."""
    if port is None:
        yield report
        return
    # Here for the reason of every other import of a command.
    from lineside.metrics.registry import new_registry
    from lineside.metrics.training import TrainingMetrics
    from wire.telemetry import TelemetryServer

    registry = new_registry()
    metrics = TrainingMetrics(registry)
    server = TelemetryServer(registry, port=port)
    typer.echo(f"metrics: http://{server.host}:{server.port}/metrics")

    def both(variant: str, progress: "SegmentationProgress | PromptProgress") -> None:
        metrics.tell(variant, progress)
        report(variant, progress)

    try:
        yield both
    finally:
        server.close()


def _per_variant(shown: Progress, steps: int) -> "Report":
    """A bar for each variant, begun when it is first heard of."""
    tasks: dict[str, TaskID] = {}

    def report(variant: str, progress: "SegmentationProgress | PromptProgress") -> None:
        if variant not in tasks:
            tasks[variant] = shown.add_task(variant, total=steps)
        shown.update(tasks[variant], completed=progress.step)
        shown.console.print(f"{variant} {progress.step}: {progress.measured}")

    return report
