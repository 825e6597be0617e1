"""``lineside evaluate-depth``: how well height maps show defects without any reference."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.commands.output_file import folder_problems


def evaluate_depth(
    dataset: Annotated[Path, typer.Option(metavar="DIR", help="Holds depth/NAME.png (16 bit) and masks/NAME.png.")],
    recipe: Annotated[str, typer.Option(help="Recipe or recipe file.")] = "embedded",
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every figure.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, …")] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch.")] = None,
) -> None:
    """Pixel AUROC per scene: the residual of the plane, slope, curvature, and the recipe's depth detector."""
    import json

    from rich.table import Table

    from lineside.status_line import StatusLine
    from lineside.terminal import err, out
    from models.evaluate.sensors.height_maps import evaluate_heights
    from models.recipes.loader import load_inspector
    from models.recipes.recipe import read_recipe
    from wire.errors import ConfigurationError

    if problems := folder_problems("--json", json_file):
        raise ConfigurationError(problems)
    numbers = read_recipe(recipe)
    inspector = load_inspector(recipe, device=device, threads=threads)
    with StatusLine(err) as status:
        scenes = evaluate_heights(
            dataset, inspector, numbers.geometry, max_pixels=numbers.max_pixels, show=status.show
        )  # fmt: skip
    if json_file is not None:
        json_file.write_text(json.dumps([scene.model_dump() for scene in scenes], indent=1) + "\n", encoding="utf-8")
    names = list(dict.fromkeys(name for scene in scenes for name in scene.auroc))
    table = Table("scene", "defective", *names)
    for scene in scenes:
        cells = (f"{scene.auroc[name]:.3f}" if name in scene.auroc else "–" for name in names)
        table.add_row(scene.name, f"{scene.defect_share:.1%}", *cells)
    of_all = ([scene.auroc[name] for scene in scenes if name in scene.auroc] for name in names)
    table.add_row("mean", "", *(f"{sum(found) / len(found):.3f}" for found in of_all))
    out.print(table)
