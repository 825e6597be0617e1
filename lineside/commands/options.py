"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

SITE_PANEL = "Site (flags win over LINESIDE_*, these over --config, this over <data-dir>/site.json)"

DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir", envvar="LINESIDE_DATA_DIR", help="Folder of the site's data.", rich_help_panel=SITE_PANEL
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ConfigFile = Annotated[
    Path,
    typer.Option("--config", metavar="FILE", help="YAML file; LINESIDE_* variables win over it."),
]
SetFlags = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="One setting, over file and environment: inspect.max_batch=4. Repeatable."
    ),
]

DEFAULT_DATA_DIR = Path("lineside-data")


def options_from_file(context: typer.Context, path: Path | None) -> Path | None:
    """Take a command's defaults from a YAML file. ConfigurationError on a key that is none of its options."""
    if path is not None:
        from wire.errors import ConfigurationError
        from wire.settings_file import read_keys

        keys = {str(key).replace("-", "_"): value for key, value in read_keys(path).items()}
        known = {str(option.name) for option in context.command.params} - {"config"}
        if unknown := sorted(keys.keys() - known):
            remedy = f"no option of `{context.command_path}`; remove it, or correct its spelling"
            raise ConfigurationError([f"{path}: {key}: {remedy}" for key in unknown])
        context.default_map = keys
    return path
