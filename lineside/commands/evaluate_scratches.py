"""``lineside evaluate-scratches``: whether scratches of 2 px are seen on the pictures of a line camera."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.commands.output_file import folder_problems
from wire.errors import ConfigurationError


def evaluate_scratches(
    families: Annotated[
        str, typer.Option(metavar="A,B", help="Of the generator's: the lines that are drawn.")
    ] = "brushed,rolled,ground,cast",
    width: Annotated[int, typer.Option(min=256, max=16384, help="Of a picture, px.")] = 4000,
    height: Annotated[int, typer.Option(min=256, max=16384, help="Of a picture, px.")] = 1000,
    shapes: Annotated[int, typer.Option(min=1, help="Scratches per line.")] = 3,
    visibilities: Annotated[
        str, typer.Option(metavar="A,B", help="Each scratch at these: 1 = barely, 8 = gross.")
    ] = "2,4,8",
    references: Annotated[int, typer.Option(min=1, help="Good parts that are learned.")] = 5,
    fresh: Annotated[int, typer.Option(min=1, help="Good parts that say how loud good parts are.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the lines.")] = 5,
    recipe: Annotated[str, typer.Option(help="Recipe or recipe file.")] = "embedded",
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every scratch.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, …")] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch.")] = None,
) -> None:
    """Draw scratches of 2 px and count how many are found on whole pictures, and on 256 x 256 px around each."""
    import json

    from rich.table import Table

    from lineside.status_line import StatusLine
    from lineside.terminal import err, out
    from models.evaluate.scratches import ScratchTrial, find_scratches
    from models.recipes.loader import load_inspector
    from models.synth.line import FAMILIES, PHOTOGRAPH

    known = [name for name in FAMILIES if name != PHOTOGRAPH]
    names = [name.strip() for name in families.split(",")]
    problems = [f"--families: {name!r} is none of {', '.join(known)}" for name in names if name not in known]
    try:
        levels = [float(level) for level in visibilities.split(",")]
    except ValueError:
        levels = []
    if not levels or not all(0 < level <= 50 for level in levels):
        problems.append(f"--visibilities: {visibilities!r} is no list of numbers above 0, up to 50")
    problems += folder_problems("--json", json_file)
    if problems:
        raise ConfigurationError(problems)
    inspector = load_inspector(recipe, device=device, threads=threads)
    with StatusLine(err) as status:
        found = [
            scratch
            for name in names
            for scratch in find_scratches(
                ScratchTrial(
                    family=name, seed=seed, height=height, width=width, references=references, fresh=fresh,
                    shapes=shapes, visibilities=levels,
                ),
                inspector,
                status.show,
            )
        ]  # fmt: skip
    if json_file is not None:
        json_file.write_text(json.dumps([each.model_dump() for each in found], indent=1) + "\n", "utf-8")
    table = Table("visibility", "scratches", "px wide", f"above good parts, {width} x {height}", "256 x 256",
                  f"flagged, {width} x {height}", "256 x 256", "highest place, no reference")  # fmt: skip
    for level in levels:
        own = [each for each in found if each.visibility == level]
        counts = (
            sum(getattr(each, name) for each in own)
            for name in ("above_large", "above_small", "flagged_large", "flagged_small", "top_alone")
        )
        widths = [each.width_px for each in own] or [0.0]
        table.add_row(f"{level:g}", str(len(own)), f"{min(widths):.1f}–{max(widths):.1f}", *map(str, counts))
    out.print(table)
