"""``lineside evaluate-alarms``: whether the stated false-alarm rate is kept on good parts, in drifting light, too."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.commands.output_file import folder_problems
from wire.errors import ConfigurationError
from wire.stated_rate import StatedRate

if TYPE_CHECKING:
    from rich.table import Table

    from models.evaluate.alarm_trials import Trial
    from models.evaluate.false_alarms import AlarmRate
    from models.evaluate.sample import Sample

_DATA, _DRAWN, _OUT = "Good images of a data set", "Good parts of drawn lines", "Output"


def evaluate_alarms(
    dataset: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with good images, as for `evaluate`.", rich_help_panel=_DATA),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(help="mvtec, visa, meta, plain, or a known set. (default: by looking)", rich_help_panel=_DATA),
    ] = None,
    draws: Annotated[int, typer.Option(min=1, help="Choices of references.", rich_help_panel=_DATA)] = 5,
    families: Annotated[
        str | None, typer.Option(metavar="A,B", help="all, or some of the generator's.", rich_help_panel=_DRAWN)
    ] = None,
    lines: Annotated[int, typer.Option(min=1, help="Lines per family.", rich_help_panel=_DRAWN)] = 4,
    fresh: Annotated[int, typer.Option(min=1, help="Good parts judged per line.", rich_help_panel=_DRAWN)] = 60,
    side_px: Annotated[int, typer.Option(min=32, max=2048, help="Of a picture.", rich_help_panel=_DRAWN)] = 128,
    photos: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For the family of photographs.", rich_help_panel=_DRAWN)
    ] = None,
    recipe: Annotated[str, typer.Option(help="Recipe or recipe file.")] = "embedded",
    references: Annotated[int, typer.Option(min=1, max=1000, help="Good parts per memory.")] = 24,
    rate: Annotated[float, typer.Option(min=1e-4, max=0.5, help="Stated false-alarm rate.")] = 0.05,
    drift: Annotated[bool, typer.Option(help="Also 20 % brighter, 20 % darker, and under a gradient of 10 %.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of the choices; of the first drawn line.")] = 0,
    max_vectors: Annotated[int, typer.Option(min=16, help="Largest memory.")] = 4096,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page of it.", rich_help_panel=_OUT)
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every count.", rich_help_panel=_OUT)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, …")] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch.")] = None,
) -> None:
    """Count false alarms on good parts that no memory saw, and say where the count lies if the stated rate is kept."""
    import json

    from lineside.status_line import StatusLine
    from lineside.terminal import err, out
    from models.evaluate.false_alarms import by_condition, by_group, by_memory, false_alarms, outside
    from models.evaluate.report.alarm_page import write_alarm_page
    from models.recipes.loader import load_inspector

    if (dataset is None) == (families is None):
        raise ConfigurationError(["evaluate-alarms: give either --dataset DIR or --families all"])
    if problems := folder_problems("--json", json_file):
        raise ConfigurationError(problems)
    if dataset is not None:
        trials = _of_images(dataset, layout, references, draws, seed)
    else:
        trials = _of_lines(families or "", lines, references, fresh, side_px, seed, photos)
    inspector = load_inspector(recipe, device=device, threads=threads)
    with StatusLine(err) as status:
        counts = false_alarms(
            trials, inspector, rate=rate, max_vectors=max_vectors, drift=drift, say=status.show
        )  # fmt: skip
    if not counts:
        raise ConfigurationError([f"{dataset}: {references} references leave no good image to test"])
    groups, lights = by_group(counts, rate), by_condition(counts, rate)
    memories, strays = by_memory(counts, rate), outside(counts, rate)
    title = f"{recipe}: false alarms at a stated rate of {rate:.1%}, {references} references"
    if json_file is not None:
        found = {
            "rate": rate,
            "counts": [each.model_dump() for each in counts],
            "memories": [each.model_dump() for each in memories],
            "outside": strays.model_dump(),
        }
        json_file.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    tables = [groups, lights] if len(groups) > 1 else [lights]
    for rows in tables:
        out.print(_table(rows, title))
    if strays.fewer or strays.more:
        out.print(_table([each for each in memories if not each.kept], "Memories outside their range"))
    out.print(strays.sentence, highlight=False)
    if StatedRate(rate=rate, references=references).extrapolated:
        out.print(f"{rate:.2%} is less than {references} references can show (1 in {references + 1}): extrapolated.")
    if report is not None:
        out.print(f"→ {write_alarm_page(report, counts, tables, title=title, rate=rate)}", soft_wrap=True)


def _of_images(dataset: Path, layout: str | None, references: int, draws: int, seed: int) -> "Iterator[Trial]":
    from lineside.commands.evaluate import labelled_options
    from models.evaluate.alarm_trials import labelled_trials
    from models.evaluate.layouts.opening import open_labelled_set
    from models.evaluate.near_duplicates import NearDuplicates
    from models.evaluate.physical_parts import PhysicalParts

    root, options = labelled_options(dataset, layout)
    parts, looks = PhysicalParts(options.group, options.group_distance), NearDuplicates()

    def related(one: "Sample", other: "Sample") -> bool:
        return parts.related(one, other) or (bool(options.near_duplicates) and looks.alike(one, other))

    return labelled_trials(
        open_labelled_set(root, options),
        references=references,
        draws=draws,
        seed=seed,
        related=related,
    )


def _of_lines(
    families: str, lines: int, references: int, fresh: int, side_px: int, seed: int, photos: Path | None
) -> "Iterator[Trial]":
    from models.evaluate.alarm_trials import DrawnTrials
    from models.synth.line import load_photographs

    drawn = DrawnTrials(
        families=_families(families, photos), lines=lines, references=references, fresh=fresh, side_px=side_px,
        seed=seed,
    )  # fmt: skip
    return drawn(load_photographs(photos) if photos is not None else ())


def _families(named: str, photos: Path | None) -> tuple[str, ...]:
    from models.synth.line import FAMILIES, PHOTOGRAPH

    if named == "all":
        return tuple(name for name in FAMILIES if name != PHOTOGRAPH or photos is not None)
    chosen = tuple(name.strip() for name in named.split(","))
    strange = [name for name in chosen if name not in FAMILIES]
    if strange:
        raise ConfigurationError([f"--families: {name!r} is none of all, {', '.join(FAMILIES)}" for name in strange])
    if PHOTOGRAPH in chosen and photos is None:
        raise ConfigurationError([f"--families {PHOTOGRAPH}: needs --photos DIR"])
    return chosen


def _table(rows: "list[AlarmRate]", title: str) -> "Table":
    from rich.table import Table

    table = Table("", "memories", "good parts", "false alarms", "rate", "95 % if kept", "p", title=title)
    for each in rows:
        table.add_row(
            each.name, str(each.memories), str(each.parts), str(each.alarms), f"{each.rate:.1%}",
            f"{each.low / each.parts:.1%} to {each.high / each.parts:.1%}", f"{each.tail:.2g}",
        )  # fmt: skip
    return table
