"""``lineside evaluate-alarms``: whether the stated false-alarm rate is kept on good parts, in drifting light, too."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate_alarms(
    dataset: Annotated[Path, typer.Option(metavar="DIR", help="Folder with good images, as for `evaluate`.")],
    layout: Annotated[
        str | None, typer.Option(help="mvtec, visa, meta, plain, or a known set. [default: by looking]")
    ] = None,
    recipe: Annotated[str, typer.Option(help="Recipe or recipe file.")] = "embedded",
    references: Annotated[int, typer.Option(min=1, help="Good images per memory.")] = 24,
    rate: Annotated[float, typer.Option(min=1e-4, max=0.5, help="Stated false-alarm rate.")] = 0.05,
    draws: Annotated[int, typer.Option(min=1, help="Choices of references.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of the choices.")] = 0,
    max_vectors: Annotated[int, typer.Option(min=16, help="Largest memory.")] = 4096,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every figure.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, …")] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch.")] = None,
) -> None:
    """False alarms on good images that no memory saw: as taken, 20 % brighter or darker, under a gradient of 10 %."""
    import json

    from rich.table import Table

    from lineside.commands.evaluate import labelled_options
    from lineside.status_line import StatusLine
    from lineside.terminal import err, out
    from models.evaluate.false_alarms import AlarmSettings, expected_range, false_alarms
    from models.evaluate.layouts.opening import open_labelled_set
    from models.evaluate.near_duplicates import NearDuplicates
    from models.evaluate.physical_parts import PhysicalParts
    from models.recipes.loader import load_inspector
    from wire.errors import ConfigurationError

    if json_file is not None and not json_file.resolve().parent.is_dir():
        raise ConfigurationError([f"--json: the folder {json_file.resolve().parent} does not exist"])
    root, options = labelled_options(dataset, layout)
    settings = AlarmSettings(references=references, draws=draws, rate=rate, seed=seed, max_vectors=max_vectors)
    inspector = load_inspector(recipe, device=device, threads=threads)
    with StatusLine(err) as status:
        found = false_alarms(
            open_labelled_set(root, options),
            inspector,
            settings,
            related=PhysicalParts(options.group, options.group_distance).related,
            alike=NearDuplicates().alike,
            say=status.show,
        )
    if json_file is not None:
        rows = [{**each.model_dump(), "rate": each.rate} for each in found]
        json_file.write_text(json.dumps({"settings": settings.model_dump(), "rates": rows}, indent=1) + "\n", "utf-8")
    low, high = expected_range(settings, found[0].parts)
    table = Table("light", "good parts", "false alarms", "rate", title=f"{recipe}: stated {rate:.1%}, 95 % within "
                  f"{low:.1%} to {high:.1%} if it is kept")  # fmt: skip
    for each in found:
        table.add_row(each.condition, str(each.parts), str(each.alarms), f"{each.rate:.1%}")
    out.print(table)
