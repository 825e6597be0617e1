"""``lineside screenshot``: a picture of a page, made by a real browser."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.commands.site_command import site_command

if TYPE_CHECKING:
    from lineside.site import Site


@site_command("url")
def screenshot(
    site: "Site",
    file: Annotated[Path, typer.Argument(metavar="FILE.png", help="Where to write the picture.")],
    path: Annotated[str, typer.Option(help="The page, e.g. /history.")] = "/",
    width: Annotated[int, typer.Option(min=320, max=7680, help="Width of the window in px.")] = 1440,
    height: Annotated[int, typer.Option(min=240, max=4320, help="Height of the window in px.")] = 900,
    settle: Annotated[float, typer.Option(min=0, help="Let the page live this many seconds first.")] = 3.0,
) -> None:
    """A picture of a page of the running site (needs Debian's chromium)."""
    from lineside.browser_picture import take
    from lineside.terminal import out

    address = site.page.rstrip("/") + "/" + path.lstrip("/")
    take(address, file, width_px=width, height_px=height, settle_s=settle)
    out.print(f"{address} → {file}", soft_wrap=True)
