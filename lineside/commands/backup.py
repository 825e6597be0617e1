"""``lineside backup | restore``: a site's database and objects on another disk, and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.commands.site_command import site_command

if TYPE_CHECKING:
    from lineside.site import Site

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the backup.")]


@site_command("database", "objects")
def backup(site: "Site", folder: Folder) -> None:
    """Copy database and objects into a folder while the site runs; again into the same folder: only what is new.

    Let no `lineside retention` run meanwhile (`lineside up --no-retention`).
    """
    from contextlib import closing

    from lineside.terminal import err, out
    from storage.backup import back_up
    from storage.objects import open_payload_store

    with closing(open_payload_store(site.objects)) as payloads:
        manifest = back_up(site.database, payloads, folder, err.print)
    out.print(
        f"{folder}: schema {manifest.revision}, {manifest.objects} objects, {manifest.object_bytes / 1e6:.1f} MB",
        soft_wrap=True,
    )


@site_command("database", "objects")
def restore(site: "Site", folder: Folder) -> None:
    """Bring a backup into an empty database and an object store. Nothing may run on them yet."""
    from contextlib import closing

    from lineside.terminal import err, out
    from storage.backup import restore as bring_back
    from storage.migrate import head_revision
    from storage.objects import open_payload_store

    with closing(open_payload_store(site.objects)) as payloads:
        manifest = bring_back(folder, site.database, payloads, err.print)
    out.print(f"restored what was saved at {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: {manifest.objects} objects")
    if manifest.revision != head_revision():
        out.print(f"its schema is {manifest.revision}: run `lineside migrate` before anything else")
