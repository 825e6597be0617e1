"""``lineside evaluate``: how good a recipe is on labelled images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.commands.matching import MatchingChoice
from lineside.commands.options import AsJson
from lineside.commands.output_file import folder_problems

if TYPE_CHECKING:
    from models.evaluate.variants import Variant

app = typer.Typer(help="Measure recipes on labelled images; compare two measurements.", invoke_without_command=True)

_DATA, _HOW, _RUN = "Data set", "Protocol", "Running"


@app.callback()
def evaluate(
    context: typer.Context,
    recipe: Annotated[
        list[str] | None, typer.Option(help="Recipe or recipe file; may be given several times. (default: embedded)")
    ] = None,
    baselines: Annotated[
        str,
        typer.Option(
            metavar="A,B", help="Beside them: all, or some of blur, untrained_resnet18, filter_bank, any recipe."
        ),
    ] = "",
    changed: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of every --recipe, e.g. memory.match=nearest."),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=A,B", help="A table over switches: every --recipe also with KEY=A, with KEY=B, one at a time."
        ),
    ] = None,
    backbone: Annotated[
        str | None, typer.Option(metavar="NAME", help="--set backbone.name=NAME: embedded, or a model of open_clip.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="--set backbone.weights=FILE: weights of that model.")
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the images, or a YAML file that names it.", rich_help_panel=_DATA),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            help="mvtec, visa, meta, plain, or a known set (magnetic_tile). (default: by looking)",
            rich_help_panel=_DATA,
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX", help="Its first (group), found in a path, is the kind of defect.", rich_help_panel=_DATA
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX", help="Its (groups), found in a path, name the physical part.", rich_help_panel=_DATA
        ),
    ] = None,
    group_distance: Annotated[
        int | None,
        typer.Option(min=0, help="The last (group) is a number; so close ones may be one part.", rich_help_panel=_DATA),
    ] = None,
    near_duplicates: Annotated[
        bool | None,
        typer.Option(
            help="Leave out tests that look like a reference again: shifted, recompressed.", rich_help_panel=_DATA
        ),
    ] = None,
    mask_above: Annotated[
        int | None,
        typer.Option(
            min=0, help="Mask values above it are defect. (default: 0, or half of the range)", rich_help_panel=_DATA
        ),
    ] = None,
    skip_unreadable: Annotated[
        bool, typer.Option(help="Leave out files that cannot be read, and name them.", rich_help_panel=_DATA)
    ] = False,
    shots: Annotated[
        str, typer.Option(metavar="K,K", help="Numbers of good references.", rich_help_panel=_HOW)
    ] = "0,1,2,4",
    draws: Annotated[int, typer.Option(min=1, help="Choices of references.", rich_help_panel=_HOW)] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of the choices.", rich_help_panel=_HOW)] = 0,
    resolution: Annotated[
        int, typer.Option(min=16, help="Maps and masks are compared at this size, px.", rich_help_panel=_HOW)
    ] = 256,
    input_size: Annotated[
        int | None,
        typer.Option(
            min=16, help="Show the detector so large a square. (default: the file's own size)", rich_help_panel=_HOW
        ),
    ] = None,
    max_vectors: Annotated[int, typer.Option(min=16, help="Largest memory.", rich_help_panel=_HOW)] = 4096,
    matching: Annotated[
        MatchingChoice,
        typer.Option(help="aligned: parts lie in a fixture; nearest: not; recipe: as it says.", rich_help_panel=_HOW),
    ] = MatchingChoice.RECIPE,
    images_per_kind: Annotated[
        int | None, typer.Option(min=1, help="A quick look: so many test images of each kind.", rich_help_panel=_HOW)
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every figure.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write a page with curves and maps.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, …", rich_help_panel=_RUN)] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch.", rich_help_panel=_RUN)] = None,
) -> None:
    """Image and pixel AUROC, AP, max-F1 and AUPRO of recipes on labelled images, by number of references."""
    if context.invoked_subcommand is not None:
        return
    from lineside.evaluation_table import ablation_tables, tables
    from lineside.status_line import StatusLine
    from lineside.terminal import err, out
    from models.evaluate.report.exhibition import Exhibition
    from models.evaluate.report.page import write_page
    from models.evaluate.results import suspects
    from models.evaluate.session import BASELINES, Settings, run_evaluation
    from wire.errors import ConfigurationError

    if dataset is None:
        raise ConfigurationError(["evaluate: --dataset DIR is missing; `lineside evaluate --help` explains"])
    _check_folders(json_file, report)
    root, options = _options(dataset, layout, classes, group, group_distance, near_duplicates, mask_above)
    beside = BASELINES if baselines == "all" else [name for name in baselines.split(",") if name]
    variants = _variants(recipe or ["embedded"], changed or [], vary or [], backbone, weights)
    settings = Settings(
        dataset=root,
        options=options,
        variants=tuple(variants),
        recipes=tuple(name for name in dict.fromkeys(beside) if name not in {each.name for each in variants}),
        shots=_numbers(shots),
        draws=draws,
        seed=seed,
        resolution=resolution,
        input_size=input_size,
        max_vectors=max_vectors,
        matching=matching.spoken,
        images_per_kind=images_per_kind,
        skip_unreadable=skip_unreadable,
        device=device,
        threads=threads,
    )
    exhibition = Exhibition()
    with StatusLine(err) as status:
        result = run_evaluation(settings, status.show, exhibition if report is not None else None)
    if report is not None:
        out.print(f"report: {write_page(report, result, exhibition)}", soft_wrap=True)
    for name, images in suspects(result).items():
        err.print(
            f"note: {name}: {len(images)} test images look like a reference again, e.g. {min(images)}: the same part, "
            "or parts alike in a fixture; --near-duplicates leaves them out",
            style="yellow", soft_wrap=True, markup=False,
        )  # fmt: skip
    if json_file is not None:
        json_file.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    for table in tables(result):
        out.print(table)
    if vary:
        for table in ablation_tables(result, variants):
            out.print(table)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="What --json or --report wrote.")],
    second: Annotated[Path, typer.Argument(metavar="B.json", help="The other one; may be the same file.")],
    left: Annotated[str | None, typer.Option(help="Detector of A. (default: its first)")] = None,
    right: Annotated[str | None, typer.Option(help="Detector of B. (default: its first)")] = None,
    shots: Annotated[int | None, typer.Option(min=0, help="Only this number of references.")] = None,
    as_json: AsJson = False,
) -> None:
    """Differences per kind of defect between two measurements, with a paired t test and a sign test."""
    from lineside.evaluation_table import comparison_table
    from lineside.terminal import out, print_json
    from models.evaluate.comparison import compare as compared
    from models.evaluate.results import read_result

    one, other = read_result(first), read_result(second)
    left, right = left or one.detectors[0].name, right or other.detectors[0].name
    found = [each for each in compared(one, other, left, right) if shots in (None, each.shots)]
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    for each in found:
        out.print(comparison_table(each, left, right))


def _check_folders(json_file: Path | None, report: Path | None) -> None:
    """An evaluation may take hours: what would fail at its end fails now."""
    from wire.errors import ConfigurationError

    problems = folder_problems("--json", json_file)
    if report is not None and report.exists() and not report.is_dir():
        problems.append(f"--report: {report} is a file")
    if problems:
        raise ConfigurationError(problems)


def _variants(
    recipes: list[str], changed: list[str], vary: list[str], backbone: str | None, weights: Path | None
) -> "list[Variant]":
    from lineside.recipe_changes import located, parse_change, recipe_changes
    from models.evaluate.variants import variants_of

    changes = recipe_changes(changed, backbone, weights)
    parsed = (parse_change("--vary", each) for each in vary)
    switches = {key: [located(key, value) for value in values.split(",")] for key, values in parsed}
    return [each for name in dict.fromkeys(recipes) for each in variants_of(name, changes, switches)]


def _numbers(text: str) -> tuple[int, ...]:
    from wire.errors import ConfigurationError

    try:
        numbers = sorted({int(each) for each in text.split(",") if each.strip()})
    except ValueError as error:
        raise ConfigurationError([f"--shots: {text!r} is no list of numbers like 0,1,4"]) from error
    if not numbers or numbers[0] < 0:
        raise ConfigurationError([f"--shots: {text!r} is no list of numbers like 0,1,4"])
    return tuple(numbers)


def labelled_options(dataset: Path, layout: str | None) -> tuple[Path, Any]:
    """The folder of a labelled set, and its options: those of ``layout``, else those of the YAML file."""
    return _options(dataset, layout, None, None, None, None, None)


def _options(dataset: Path, layout: str | None, *given: Any) -> tuple[Path, Any]:
    """The folder, and its options: flags win over --layout, which wins over the YAML file."""
    from models.evaluate.dataset_file import checked, named_layout, read_dataset_file
    from wire.errors import ConfigurationError

    options, root = checked({}, "options"), dataset
    if dataset.suffix in {".yaml", ".yml"}:
        options = read_dataset_file(dataset)
        if options.root is None:
            raise ConfigurationError([f"{dataset}: root is missing: the folder of the images"])
        root = options.root
    elif (dataset / "dataset.yaml").is_file():
        options = read_dataset_file(dataset / "dataset.yaml")
        root = options.root or dataset
    found = options.model_dump()
    if layout is not None:
        found |= {name: value for name, value in named_layout(layout).model_dump().items() if value is not None}
    names = ("classes", "group", "group_distance", "near_duplicates", "mask_above")
    found |= {name: value for name, value in zip(names, given, strict=True) if value is not None}
    return root, checked(found, "options")
