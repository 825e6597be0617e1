"""``python -m dashboard``: serve API and pages, or make an API key."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from dashboard.gate import Gate
from dashboard.keys import Role, hash_of, new_key
from dashboard.serve import run
from dashboard.settings import load_settings
from wire.errors import ConfigurationError

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)
# sysexits.h EX_CONFIG: supervisors can tell wrong settings from a crash.
_EX_CONFIG = 78


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="YAML file with the settings; LINESIDE_* variables win")] = None,
    set_flags: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting, over file and environment. Repeatable."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check the settings")] = False,
) -> None:
    """Serve API and pages until SIGTERM."""
    if context.invoked_subcommand is not None:
        return
    if config is None:
        typer.echo("--config FILE is needed", err=True)
        raise typer.Exit(2)
    try:
        settings = load_settings(config, set_flags or ())
        if check:
            Gate.open(settings)
        else:
            run(settings)
    except ConfigurationError as error:
        typer.echo("\n".join(error.problems), err=True)
        raise typer.Exit(_EX_CONFIG) from error


@app.command()
def key(
    name: Annotated[str, typer.Option(help="Whose key it is; ends up in audit rows")],
    role: Annotated[Role, typer.Option(help="What it allows")],
) -> None:
    """Make an API key: prints it once, and the lines for the keys file."""
    secret = new_key()
    entry = {"keys": [{"name": name, "role": role.value, "sha256": hash_of(secret)}]}
    typer.echo(f"# The key, shown only now: {secret}\n{yaml.safe_dump(entry, sort_keys=False)}", nl=False)


if __name__ == "__main__":
    app()
