"""What ``lineside up`` would work with: the command line's own parser is asked, so that nothing is told twice."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from typer._click.core import ParameterSource
from typer._click.exceptions import UsageError
from typer.main import get_command

from lineside.commands.up import up
from wire.effective_settings import EffectiveSetting, shown
from wire.errors import ConfigurationError

ENVIRONMENT_PREFIX = "LINESIDE_UP"


def up_settings(config: Path | None, flags: Sequence[str]) -> list[EffectiveSetting]:
    """Every option with who said it. ConfigurationError on what `lineside up` itself would refuse."""
    app = typer.Typer()
    app.command(context_settings={"auto_envvar_prefix": ENVIRONMENT_PREFIX})(up)
    command = get_command(app)
    options = {str(option.name): option for option in command.params}
    arguments = [
        *(["--config", str(config)] if config else []),
        *(part for one in flags for part in _argument(options, one)),
    ]
    try:
        context = command.make_context("up", arguments)
    except UsageError as error:
        raise ConfigurationError([f"lineside up: {error.format_message()}"]) from error
    return [
        EffectiveSetting(
            key=name,
            value=shown(context.params[name]),
            origin=_origin(context.get_parameter_source(name), name, option, config),
            variable=_variable(name, option),
            meaning=getattr(option, "help", None) or "",
        )
        for name, option in options.items()
        if name in context.params and name != "config"
    ]


def _argument(options: dict[str, Any], flag: str) -> Iterator[str]:
    """``defect_rate=0.2`` as the command line has it."""
    key, equals, value = flag.partition("=")
    option = options.get(key.strip().replace("-", "_"))
    if not equals or option is None:
        raise ConfigurationError([f"--set {flag}: write KEY=VALUE with an option of `lineside up`, e.g. --set rate=2"])
    if option.is_flag:
        yield option.opts[0] if value.strip().lower() in ("true", "1", "yes") else option.secondary_opts[0]
        return
    yield from (option.opts[0], value)


def _origin(source: ParameterSource | None, name: str, option: Any, config: Path | None) -> str:
    match source:
        case ParameterSource.COMMANDLINE:
            return f"--set {name}"
        case ParameterSource.ENVIRONMENT:
            return _variable(name, option)
        case ParameterSource.DEFAULT_MAP:
            return str(config)
        case _:
            return "default"


def _variable(name: str, option: Any) -> str:
    return option.envvar or f"{ENVIRONMENT_PREFIX}_{name.upper()}"
