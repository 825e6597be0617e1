"""The ``lineside`` command: what there is, in the order in which a newcomer needs it."""

import sys
from importlib.metadata import version as installed_version
from typing import Annotated

import typer
from typer._click.core import Context
from typer.core import TyperGroup

from lineside.commands import bench, dead_letters, evaluate, line_states, plant, train
from lineside.commands.backup import backup, restore
from lineside.commands.evaluate_alarms import evaluate_alarms
from lineside.commands.evaluate_depth import evaluate_depth
from lineside.commands.evaluate_scratches import evaluate_scratches
from lineside.commands.evaluate_sensors import evaluate_sensors
from lineside.commands.history import history
from lineside.commands.ledger import ledger
from lineside.commands.maintenance import migrate, retention, topics, weights
from lineside.commands.processes import broker, dashboard, worker
from lineside.commands.register import register
from lineside.commands.screenshot import screenshot
from lineside.commands.settings import settings
from lineside.commands.size import size
from lineside.commands.synth import synth
from lineside.commands.up import up
from lineside.terminal import print_error
from wire.errors import ConfigurationError, LinesideError

_ORDER = ("up", "history", "ledger", "screenshot", "evaluate", "evaluate-sensors", "evaluate-depth",
          "evaluate-alarms", "evaluate-scratches", "synth", "train", "state", "dlq", "plant", "register", "size",
          "settings", "migrate", "topics", "retention", "backup", "restore",
          "weights", "bench", "worker", "dashboard", "broker")  # fmt: skip
_RUN, _LOOK, _OPERATE, _KEEP, _PROCESSES = "Run", "Look", "Operate", "Keep in order", "Processes of a site"


class _InOrder(TyperGroup):
    """Lists commands and groups of commands in one order; Typer alone would put all groups last."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Names in the order of help."""
        return [name for name in _ORDER if name in self.commands]


def build_app() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        help="Lineside inspects what a production line makes, and accounts for every frame.",
        no_args_is_help=True,
        cls=_InOrder,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    app.callback()(_lineside)
    app.command(rich_help_panel=_RUN, context_settings={"auto_envvar_prefix": "LINESIDE_UP"})(up)
    app.command(rich_help_panel=_LOOK)(history)
    app.command(rich_help_panel=_LOOK)(ledger)
    app.command(rich_help_panel=_LOOK)(screenshot)
    app.add_typer(evaluate.app, name="evaluate", rich_help_panel=_LOOK)
    app.command(rich_help_panel=_LOOK)(synth)
    app.command("evaluate-sensors", rich_help_panel=_LOOK)(evaluate_sensors)
    app.command("evaluate-depth", rich_help_panel=_LOOK)(evaluate_depth)
    app.command("evaluate-alarms", rich_help_panel=_LOOK)(evaluate_alarms)
    app.command("evaluate-scratches", rich_help_panel=_LOOK)(evaluate_scratches)
    app.add_typer(train.app, name="train", rich_help_panel=_LOOK)
    app.add_typer(line_states.app, name="state", rich_help_panel=_OPERATE)
    app.add_typer(dead_letters.app, name="dlq", rich_help_panel=_OPERATE)
    app.add_typer(plant.app, name="plant", rich_help_panel=_OPERATE)
    app.command(rich_help_panel=_OPERATE)(register)
    app.command(rich_help_panel=_KEEP)(size)
    app.command(rich_help_panel=_KEEP)(settings)
    app.command(rich_help_panel=_KEEP)(migrate)
    app.command(rich_help_panel=_KEEP)(topics)
    app.command(rich_help_panel=_KEEP)(retention)
    app.command(rich_help_panel=_KEEP)(backup)
    app.command(rich_help_panel=_KEEP)(restore)
    app.command(rich_help_panel=_KEEP)(weights)
    app.add_typer(bench.app, name="bench", rich_help_panel=_KEEP)
    app.command(rich_help_panel=_PROCESSES)(worker)
    app.command(rich_help_panel=_PROCESSES)(dashboard)
    app.command(rich_help_panel=_PROCESSES)(broker)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lineside {installed_version('lineside')}")
        raise typer.Exit


def _lineside(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Lineside inspects what a production line makes, and accounts for every frame."""


def main() -> None:
    """Run a command. Exit codes: 0 done, 1 it could not be done now, 2 something is configured wrongly."""
    try:
        build_app()()
    except ConfigurationError as error:
        for problem in error.problems:
            print_error(problem)
        sys.exit(2)
    except LinesideError as error:
        print_error(str(error))
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output went away (| head)
        sys.exit(0)
