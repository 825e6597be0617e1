"""``lineside synth``: look at the generator's lines, or write them as a data set."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.commands.output_file import folder_problems
from wire.errors import ConfigurationError

if TYPE_CHECKING:
    from models.synth.line import LineSetting

_SHEET, _EXPORT = "Picture sheet", "Data set"


class ExportLayout(StrEnum):
    """Layouts of data sets that can be written."""

    MVTEC = "mvtec"


def synth(
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="Write a sheet: good parts, bad ones with masks.", rich_help_panel=_SHEET
        ),
    ] = None,
    export: Annotated[
        tuple[ExportLayout, Path] | None,
        typer.Option(metavar="mvtec DIR", help="Write images and masks, a folder per line.", rich_help_panel=_EXPORT),
    ] = None,
    family: Annotated[
        list[str] | None, typer.Option(help="Only this family; may be given several times. (default: all in turn)")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The first line's; the others count on.")] = 0,
    lines: Annotated[int | None, typer.Option(min=1, help="How many lines. (default: one per family)")] = None,
    photos: Annotated[Path | None, typer.Option(metavar="DIR", help="Photographs of good surfaces, too.")] = None,
    size: Annotated[int, typer.Option(min=32, max=2048, help="Side of a part's picture, px.")] = 192,
    normals: Annotated[
        int, typer.Option(min=1, help="Good images per line; a quarter as many again to test.", rich_help_panel=_EXPORT)
    ] = 40,
    defects: Annotated[
        int, typer.Option(min=0, help="Bad images per line, each with its mask.", rich_help_panel=_EXPORT)
    ] = 40,
) -> None:
    """Draw production lines: good parts and all kinds of defects, with exact masks."""
    if sheet is None and export is None:
        raise ConfigurationError(["synth: give --sheet FILE.png or --export mvtec DIR"])
    drawn = _lines(family or [], seed, lines, photos, size)
    if sheet is not None:
        _write_sheet(sheet, drawn)
    if export is not None:
        _write_data_set(export[1], drawn, normals, defects)


def _lines(families: list[str], seed: int, count: int | None, photos: Path | None, size: int) -> "list[LineSetting]":
    from models.synth.line import FAMILIES, PHOTOGRAPH, draw_line, load_photographs

    strange = [name for name in families if name not in FAMILIES]
    if strange:
        raise ConfigurationError([f"--family: {name} is none of {', '.join(FAMILIES)}" for name in strange])
    if PHOTOGRAPH in families and photos is None:
        raise ConfigurationError([f"--family {PHOTOGRAPH}: needs --photos DIR"])
    photographs = load_photographs(photos) if photos is not None else ()
    choice = families or [name for name in FAMILIES if name != PHOTOGRAPH or photographs]
    return [
        draw_line(seed + n, family=choice[n % len(choice)], height=size, width=size, photographs=photographs)
        for n in range(count or len(choice))
    ]


def _write_sheet(file: Path, drawn: "list[LineSetting]") -> None:
    from lineside.terminal import out
    from models.synth.sheet import draw_sheet
    from wire.image_codec import encode_png

    if problems := folder_problems("--sheet", file):
        raise ConfigurationError(problems)
    file.write_bytes(encode_png(draw_sheet(drawn), compression=6))
    out.print(f"{len(drawn)} lines → {file}", soft_wrap=True)


def _write_data_set(folder: Path, drawn: "list[LineSetting]", normals: int, defects: int) -> None:
    import time

    from lineside.status_line import StatusLine
    from lineside.terminal import err, out
    from models.synth.mvtec_folder import DataSetSize, write_line

    size = DataSetSize(normals=normals, defects=defects)
    written, begun_s = 0, time.monotonic()
    with StatusLine(err) as status:
        for line in drawn:
            for path in write_line(folder, line, size):
                written += 1
                status.show(f"{written} of {size.images * len(drawn)} images · {path}")
    out.print(
        f"{written} images of {len(drawn)} lines in {time.monotonic() - begun_s:.0f} s → {folder}", soft_wrap=True
    )
