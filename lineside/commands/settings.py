"""``lineside settings``: what a process would work with, and who said it."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.commands.options import DEFAULT_DATA_DIR, AsJson, DataDir, SetFlags

if TYPE_CHECKING:
    from pydantic import BaseModel

    from wire.settings_layers import LoadedSettings


class Process(StrEnum):
    """Who has settings of its own."""

    UP = "up"
    WORKER = "worker"
    DASHBOARD = "dashboard"
    LINE = "line"
    CAMERA = "camera"
    OPCUA = "opcua"
    REPLAY = "replay"
    RESULTS = "results"
    PLANT = "plant"
    BROKER = "broker"
    SITE = "site"


def settings(
    process: Annotated[
        Process,
        typer.Argument(help="Whose settings: a worker's, a connector's, …; site: of every command that asks one."),
    ],
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The process's YAML file.")] = None,
    set_flags: SetFlags = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """What a process would work with, value by value, and where each comes from; secrets are masked.

    A flag (--set) wins over a LINESIDE_* variable, this over the file, this over the default (`site`: over what
    `lineside up` wrote to the data folder's site.json). If something is wrong,
    everything that is wrong is said, and the exit code is 2, as at the start of the process.
    """
    from rich.table import Table
    from rich.text import Text

    from lineside.terminal import out, print_json
    from wire.effective_settings import effective_settings

    if process is Process.UP:
        from lineside.commands.up_settings import up_settings

        found = up_settings(config, set_flags or ())
    else:
        found = effective_settings(_load(process, config, set_flags or (), data_dir))
    if as_json:
        print_json([one.model_dump() for one in found])
        return
    table = Table(title=f"Settings of {process.value}", title_justify="left")
    for column in ("setting", "value", "from", "meaning"):
        table.add_column(column, overflow="fold")
    for one in found:
        table.add_row(one.key, Text(str(one.value)), one.origin, Text(one.meaning))
    out.print(table)


def _load(process: Process, config: Path | None, flags: Sequence[str], data_dir: Path) -> "LoadedSettings[Any]":
    if process is Process.SITE:
        from lineside.site import Site

        return Site(data_dir=data_dir, config=config, flags=flags).loaded
    from wire.settings_layers import load_layers

    return load_layers(_kind(process), config, flags)


def _kind(process: Process) -> "type[BaseModel]":
    """The model of a process's settings; each import brings that process's libraries, and no other's."""
    match process:
        case Process.WORKER:
            from stream.settings import WorkerSettings

            return WorkerSettings
        case Process.DASHBOARD:
            from dashboard.settings import DashboardSettings

            return DashboardSettings
        case Process.LINE:
            from connectors.line.settings import LineSettings

            return LineSettings
        case Process.CAMERA:
            from connectors.camera.settings import CameraSettings

            return CameraSettings
        case Process.OPCUA:
            from connectors.opcua.settings import OpcUaSettings

            return OpcUaSettings
        case Process.REPLAY:
            from connectors.replay.settings import ReplaySettings

            return ReplaySettings
        case Process.RESULTS:
            from connectors.results.settings import ResultsSettings

            return ResultsSettings
        case Process.PLANT:
            from lineside.plant.settings import PlantSettings

            return PlantSettings
        case Process.BROKER:
            from lineside.embedded_broker import BrokerSettings

            return BrokerSettings
        case Process.SITE | Process.UP:
            raise AssertionError(f"{process.value} has no file of its own kind: see _load and settings")
