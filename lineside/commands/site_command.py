"""Commands that talk to a site take the same options, and find it in the same layers."""

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from lineside.commands.options import DEFAULT_DATA_DIR, SITE_PANEL, DataDir


def _option(flag: str, metavar: str, meaning: str, variable: str) -> Any:
    # The variable is read with all others, so that `lineside settings site` can say that it came from there.
    return typer.Option(flag, metavar=metavar, help=f"{meaning} [{variable}]", rich_help_panel=SITE_PANEL)


_OPTIONS = {
    "broker": (str | None, _option("--broker", "HOST:PORT", "Kafka's bootstrap servers.", "LINESIDE_BROKER")),
    "database": (str | None, _option("--database", "URL", "sqlite:///FILE or postgresql://…", "LINESIDE_DATABASE")),
    "objects": (str | None, _option("--objects", "URL", "file:///FOLDER or s3://BUCKET/PREFIX.", "LINESIDE_OBJECTS")),
    "url": (str | None, _option("--url", "URL", "Address of the pages.", "LINESIDE_URL")),
    "plant": (str | None, _option("--url", "URL", "Address of the plant's control API.", "LINESIDE_PLANT")),
}
_CONFIG = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="LINESIDE_CONFIG", metavar="FILE", rich_help_panel=SITE_PANEL,
        help="YAML file with the site's settings: of its own, or that of a worker or dashboard.",
    ),
]  # fmt: skip
_SET = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", rich_help_panel=SITE_PANEL,
        help="One setting, e.g. broker.options.sasl.username=jobs. Repeatable.",
    ),
]  # fmt: skip

Command = Callable[..., None]


def site_command(*needs: str) -> Callable[[Command], Command]:
    """Give a command ``site`` in place of options: those for what it ``needs``, and those that say where to look.

    ``needs``: of broker, database, objects, url, plant.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> None:
            # Here, because `--help` need not wait for the libraries behind a site.
            from lineside.site import Site

            own = {name: given.pop(name) for name in needs}
            site = Site(
                data_dir=given.pop("data_dir"), config=given.pop("config"), flags=given.pop("set_flags") or (), **own
            )
            command(site=site, **given)

        signature = inspect.signature(command)
        taken = [each for name, each in signature.parameters.items() if name != "site"]
        run.__signature__ = signature.replace(parameters=[*_by_keyword(taken), *_of_site(needs)])  # type: ignore[attr-defined]
        run.__annotations__ = {name: hint for name, hint in command.__annotations__.items() if name != "site"}
        return run

    return decorate


def _by_keyword(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """Arguments may come behind an option that has a default."""
    return [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]


def _of_site(needs: tuple[str, ...]) -> list[inspect.Parameter]:
    hints: dict[str, tuple[Any, Any]] = {"data_dir": (DataDir, DEFAULT_DATA_DIR), "config": (_CONFIG, None)}
    hints |= {name: (Annotated[_OPTIONS[name]], None) for name in needs}
    hints["set_flags"] = (_SET, None)
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
        for name, (hint, default) in hints.items()
    ]
