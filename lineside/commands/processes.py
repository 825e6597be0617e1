"""``lineside worker | dashboard | broker``: one process of a site each, as a supervisor or Kubernetes starts it."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from lineside.commands.options import ConfigFile


def worker(
    roles: Annotated[
        str | None, typer.Option(help="inspect, store, describe, build; several separated by commas.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="YAML file; LINESIDE_* variables win over it.")
    ] = None,
) -> None:
    """A worker that inspects, stores, describes or builds."""
    from stream.settings import load_settings
    from stream.worker import run

    code = run(load_settings(config, [name.strip() for name in roles.split(",")] if roles else None))
    # Everything is closed. The interpreter would now take torch apart object by object: 4 s and more on busy cores, of
    # the ten in which a site ends.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def dashboard(config: ConfigFile) -> None:
    """The operator pages and the REST API."""
    from dashboard.serve import run
    from dashboard.settings import load_settings

    run(load_settings(config))


def broker(config: ConfigFile) -> None:
    """The embedded broker: keeps everything in memory, forgets it at the end (for demos and tests)."""
    from lineside.embedded_broker import BrokerSettings, run
    from lineside.settings_file import load
    from wire.logs import configure_logging

    configure_logging("broker", json=False)
    run(load(config, BrokerSettings))
