"""``lineside state``: what a line knows, and the commands that change it."""

import getpass
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from lineside.commands.options import DEFAULT_DATA_DIR, AsJson, Broker, Database, DataDir, Objects

if TYPE_CHECKING:
    from wire.command import CommandKind

app = typer.Typer(help="What a line knows: list, show, accept, reject, roll back, rebuild.", no_args_is_help=True)

Line = Annotated[str, typer.Argument(metavar="LINE", help="Line id (site.area.line).")]
Product = Annotated[
    str | None, typer.Option(help="The product; a line knows each apart. [default: the one it made last]")
]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit rows.")]
By = Annotated[str, typer.Option(envvar="LINESIDE_USER", help="Who; kept in the audit rows. [default: the login name]")]
Wait = Annotated[
    float, typer.Option(min=0, help="Wait this many seconds for the command to be carried out; 0 = do not.")
]
Inspections = Annotated[list[UUID], typer.Argument(help="Inspection ids, as `lineside history --json` names them.")]
_WAIT_S = 60.0


@app.command("list")
def list_states(
    line: Annotated[str | None, typer.Argument(help="Only this line.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database: Database = None,
    objects: Objects = None,
) -> None:
    """Every version of every line, the active one marked."""
    from rich.table import Table

    from lineside.commands.opened import open_database
    from lineside.site import Site
    from lineside.terminal import out, print_json
    from storage.line_states import LineStateStore
    from storage.lines import LineRegistry
    from storage.objects import open_payload_store

    site = Site(data_dir=data_dir, database=database, objects=objects)
    payloads = open_payload_store(site.objects)
    found: list[tuple[Any, bool]] = []
    try:
        with open_database(site) as opened:
            store = LineStateStore(opened, payloads)
            for name in [line] if line else [spec.line for spec in LineRegistry(opened).all()]:
                found += [(state, store.active(name, state.product) == state.version) for state in store.list(name)]
    finally:
        payloads.close()
    if as_json:
        print_json([{**state.model_dump(mode="json", by_alias=True), "Active": active} for state, active in found])
        return
    table = Table("line", "product", "version", "active", "reason", "references", "rate", "created (UTC)", "digest")
    for state, active in found:
        table.add_row(
            state.line, state.product, f"v{state.version}", "●" if active else "", state.reason,
            str(len(state.references)), f"{state.spec.false_alarm_rate:g}", f"{state.created_at:%Y-%m-%d %H:%M:%S}",
            state.digest[:12],
        )  # fmt: skip
    out.print(table if found else "no line has a state yet")


@app.command()
def show(
    line: Line,
    version: Annotated[int, typer.Argument(help="The version.")],
    product: Product = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database: Database = None,
    objects: Objects = None,
) -> None:
    """Everything about one version but its tensors, as JSON."""
    from lineside.commands.opened import open_database
    from lineside.product_choice import choose_product
    from lineside.site import Site
    from lineside.terminal import print_json
    from storage.line_states import LineStateStore
    from storage.objects import open_payload_store
    from wire.errors import ConfigurationError

    site = Site(data_dir=data_dir, database=database, objects=objects)
    payloads = open_payload_store(site.objects)
    try:
        with open_database(site) as opened:
            metadata = LineStateStore(opened, payloads).metadata(line, choose_product(opened, line, product), version)
    except LookupError as error:
        raise ConfigurationError(
            [f"state show: {error.args[0]}; `lineside state list {line}` names what there is"]
        ) from error
    finally:
        payloads.close()
    print_json(metadata.model_dump(mode="json", by_alias=True))


@app.command()
def accept(
    line: Line, inspections: Inspections, product: Product = None, reason: Reason = "", by: By = "",
    wait: Wait = _WAIT_S,
    data_dir: DataDir = DEFAULT_DATA_DIR, broker: Broker = None, database: Database = None,
) -> None:  # fmt: skip
    """These parts are good: learn from them (false alarms, or parts of a new line)."""
    from wire.command import CommandKind

    _send(
        CommandKind.ACCEPT, line, product, reason, by, wait, data_dir, broker, database, inspections=tuple(inspections)
    )


@app.command()
def reject(
    line: Line, inspections: Inspections, product: Product = None, reason: Reason = "", by: By = "",
    wait: Wait = _WAIT_S,
    data_dir: DataDir = DEFAULT_DATA_DIR, broker: Broker = None, database: Database = None,
) -> None:  # fmt: skip
    """These parts are not good: never learn from them."""
    from wire.command import CommandKind

    _send(
        CommandKind.REJECT, line, product, reason, by, wait, data_dir, broker, database, inspections=tuple(inspections)
    )


@app.command()
def rollback(
    line: Line, version: Annotated[int, typer.Argument(help="The version to use again.")], product: Product = None,
    reason: Reason = "", by: By = "", wait: Wait = _WAIT_S,
    data_dir: DataDir = DEFAULT_DATA_DIR, broker: Broker = None, database: Database = None,
) -> None:  # fmt: skip
    """Use an earlier version again."""
    from wire.command import CommandKind

    _send(CommandKind.ROLLBACK, line, product, reason, by, wait, data_dir, broker, database, version=version)


@app.command()
def rebuild(
    line: Line, product: Product = None, reason: Reason = "", by: By = "", wait: Wait = _WAIT_S,
    data_dir: DataDir = DEFAULT_DATA_DIR, broker: Broker = None, database: Database = None,
) -> None:  # fmt: skip
    """Build a new version from the present references."""
    from wire.command import CommandKind

    _send(CommandKind.BUILD, line, product, reason, by, wait, data_dir, broker, database)


@app.command("set-rate")
def set_rate(
    line: Line, rate: Annotated[float, typer.Argument(help="Share of good parts that may be flagged, e.g. 0.01.")],
    product: Product = None, reason: Reason = "", by: By = "", wait: Wait = _WAIT_S,
    data_dir: DataDir = DEFAULT_DATA_DIR, broker: Broker = None, database: Database = None,
) -> None:  # fmt: skip
    """State another false-alarm rate; the threshold follows, nothing is rebuilt."""
    from wire.command import CommandKind
    from wire.errors import ConfigurationError

    if not 0 < rate < 1:
        raise ConfigurationError([f"set-rate: {rate:g} is no share between 0 and 1"])
    _send(CommandKind.SET_RATE, line, product, reason, by, wait, data_dir, broker, database, false_alarm_rate=rate)


@app.command("set-threshold")
def set_threshold(
    line: Line, threshold: Annotated[float, typer.Argument(help="In units of the score.")],
    modality: Annotated[str, typer.Option(help="rgb, depth, sensor, …, or fused.")] = "fused",
    product: Product = None, reason: Reason = "", by: By = "", wait: Wait = _WAIT_S,
    data_dir: DataDir = DEFAULT_DATA_DIR, broker: Broker = None, database: Database = None,
) -> None:  # fmt: skip
    """Set a threshold by hand; it wins over the stated rate."""
    from wire.command import CommandKind

    _send(
        CommandKind.SET_THRESHOLD, line, product, reason, by, wait, data_dir, broker, database, modality=modality,
        threshold=threshold,
    )  # fmt: skip


def _send(
    kind: "CommandKind", line: str, product: str | None, reason: str, by: str, wait_s: float,
    data_dir: Any, broker: str | None, database: str | None, **wanted: Any,
) -> None:  # fmt: skip
    from lineside.command_errand import CommandErrand
    from lineside.commands.opened import open_database
    from lineside.product_choice import choose_product
    from lineside.site import Site
    from lineside.terminal import out

    site = Site(data_dir=data_dir, broker=broker, database=database)
    with open_database(site) as opened:
        chosen = choose_product(opened, line, product)
    errand = CommandErrand(kind, line, product=chosen, by=by or getpass.getuser(), reason=reason, **wanted)
    errand.send(site.broker)
    out.print(f"sent {kind.value} for {line}, product {chosen or 'without name'} ({errand.command.command_id})")
    if wait_s:
        out.print(errand.wait(site, wait_s))
