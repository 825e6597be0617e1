"""``lineside worker | dashboard | broker``: one process of a site each, as a supervisor or Kubernetes starts it."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.commands.options import ConfigFile, SetFlags


def worker(
    roles: Annotated[
        str | None, typer.Option(help="inspect, store, describe, build; several separated by commas.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="YAML file; LINESIDE_* variables win over it.")
    ] = None,
    set_flags: SetFlags = None,
) -> None:
    """A worker that inspects, stores, describes or builds."""
    from lineside.quick_end import end_now
    from stream.settings import load_settings
    from stream.worker import run

    names = [name.strip() for name in roles.split(",")] if roles else None
    end_now(run(load_settings(config, names, set_flags or ())))


def dashboard(config: ConfigFile, set_flags: SetFlags = None) -> None:
    """The operator pages and the REST API."""
    from dashboard.serve import run
    from dashboard.settings import load_settings

    run(load_settings(config, set_flags or ()))


def broker(config: ConfigFile, set_flags: SetFlags = None) -> None:
    """The embedded broker: keeps everything in memory, forgets it at the end (for demos and tests)."""
    from lineside.embedded_broker import BrokerSettings, run
    from wire.logs import configure_logging
    from wire.settings_layers import load

    configure_logging("broker", json=False)
    run(load(config, BrokerSettings, set_flags or ()))
