"""``lineside state``: what a line knows, and the commands that change it."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from lineside.commands.matching import MatchingChoice
from lineside.commands.options import AsJson
from lineside.commands.site_command import site_command

if TYPE_CHECKING:
    from lineside.site import Site
    from wire.command import CommandKind

app = typer.Typer(help="What a line knows: list, show, accept, reject, roll back, rebuild.", no_args_is_help=True)

Line = Annotated[str, typer.Argument(metavar="LINE", help="Line id (site.area.line).")]
Product = Annotated[
    str | None, typer.Option(help="The product; a line knows each apart. (default: the one it made last)")
]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit rows.")]
By = Annotated[str, typer.Option(envvar="LINESIDE_USER", help="Who; kept in the audit rows. (default: the login name)")]
Wait = Annotated[
    float, typer.Option(min=0, help="Wait this many seconds for the command to be carried out; 0 = do not.")
]
Inspections = Annotated[list[UUID], typer.Argument(help="Inspection ids, as `lineside history --json` names them.")]
_WAIT_S = 60.0


@app.command("list")
@site_command("database", "objects")
def list_states(
    site: "Site",
    line: Annotated[str | None, typer.Argument(help="Only this line.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every version of every line, the active one marked."""
    from rich.table import Table

    from lineside.commands.opened import open_database
    from lineside.terminal import out, print_json
    from storage.line_states import LineStateStore
    from storage.lines import LineRegistry
    from storage.objects import open_payload_store

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
    columns = ("line", "product", "version", "active", "reason", "references", "rate", "95 % within", "created (UTC)")
    table = Table(*columns, "digest")
    for state, active in found:
        low, high = state.stated_rate.range
        within = f"{low:.3f} – {high:.3f}{' (extrapolated)' if state.stated_rate.extrapolated else ''}"
        table.add_row(
            state.line, state.product, f"v{state.version}", "●" if active else "", state.reason,
            str(len(state.references)), f"{state.spec.false_alarm_rate:g}",
            within, f"{state.created_at:%Y-%m-%d %H:%M:%S}",
            state.digest[:12],
        )  # fmt: skip
    out.print(table if found else "no line has a state yet")


@app.command()
@site_command("database", "objects")
def show(
    site: "Site",
    line: Line,
    version: Annotated[int, typer.Argument(help="The version.")],
    product: Product = None,
) -> None:
    """Everything about one version but its tensors, as JSON."""
    from lineside.commands.opened import open_database
    from lineside.product_choice import choose_product
    from lineside.terminal import print_json
    from storage.line_states import LineStateStore
    from storage.objects import open_payload_store
    from wire.errors import ConfigurationError

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
@site_command("broker", "database")
def accept(
    site: "Site", line: Line, inspections: Inspections, product: Product = None, reason: Reason = "", by: By = "",
    wait: Wait = _WAIT_S,
) -> None:  # fmt: skip
    """These parts are good: learn from them (false alarms, or parts of a new line)."""
    from wire.command import CommandKind

    _send(site, CommandKind.ACCEPT, line, product, reason, by, wait, inspections=tuple(inspections))


@app.command()
@site_command("broker", "database")
def reject(
    site: "Site", line: Line, inspections: Inspections, product: Product = None, reason: Reason = "", by: By = "",
    wait: Wait = _WAIT_S,
) -> None:  # fmt: skip
    """These parts are not good: never learn from them."""
    from wire.command import CommandKind

    _send(site, CommandKind.REJECT, line, product, reason, by, wait, inspections=tuple(inspections))


@app.command()
@site_command("broker", "database")
def rollback(
    site: "Site", line: Line, version: Annotated[int, typer.Argument(help="The version to use again.")],
    product: Product = None, reason: Reason = "", by: By = "", wait: Wait = _WAIT_S,
) -> None:  # fmt: skip
    """Use an earlier version again."""
    from wire.command import CommandKind

    _send(site, CommandKind.ROLLBACK, line, product, reason, by, wait, version=version)


@app.command()
@site_command("broker", "database")
def rebuild(
    site: "Site", line: Line, product: Product = None, reason: Reason = "", by: By = "", wait: Wait = _WAIT_S,
) -> None:  # fmt: skip
    """Build a new version from the present references."""
    from wire.command import CommandKind

    _send(site, CommandKind.BUILD, line, product, reason, by, wait)


@app.command()
@site_command("broker", "database", "objects")
def describe(
    site: "Site", line: Line,
    class_name: Annotated[str | None, typer.Option(help="What its parts are called: hex nut.")] = None,
    defect: Annotated[
        list[str] | None, typer.Option(help='What may be wrong with one: "with a burr"; repeatable, replaces all.')
    ] = None,
    normality: Annotated[str | None, typer.Option(help='How a good one looks: "round, without print".')] = None,
    texts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML, KIND: {LEVEL: TEXT}: what kinds of defects are like; replaces all."),
    ] = None,
    level: Annotated[
        str | None,
        typer.Option(
            help="Which of those texts are read: classname, class_level, sample_auto, sample_refined, attributes, "
            "template, a published name (v1:T0 … v2:T4), or recipe: as it says."
        ),
    ] = None,
    learned_words: Annotated[
        str | None,
        typer.Option(metavar="FILE|recipe", help="Words as `lineside train spgdd` writes them; recipe: as it says."),
    ] = None,
    matching: Annotated[
        MatchingChoice | None, typer.Option(help="aligned: parts lie in a fixture; nearest: not; recipe: as it says.")
    ] = None,
    reason: Reason = "", by: By = "", wait: Wait = _WAIT_S,
) -> None:  # fmt: skip
    """Say what a line's parts are, for detectors that read: versions are built anew. Without options: print it."""
    from lineside.defect_texts import chosen_level, read_descriptions
    from wire.command import CommandKind

    wanted = {
        "class_name": class_name,
        "defect_words": None if defect is None else tuple(defect),
        "normality": normality,
        "descriptions": None if texts is None else read_descriptions(texts),
        "description_level": None if level is None else chosen_level(level),
        "learned_words": None if learned_words is None else _kept_words(site, learned_words),
        "matching": None if matching is None else matching.spoken,
    }
    said = {name: value for name, value in wanted.items() if value is not None}
    if said:
        _send(site, CommandKind.DESCRIBE, line, "", reason, by, wait, **said)
    else:
        _print_description(site, line, fields=set(wanted))


def _kept_words(site: "Site", named: str) -> str:
    from lineside.defect_texts import AS_THE_RECIPE
    from lineside.learned_words import keep_words

    return "" if named == AS_THE_RECIPE else keep_words(site, Path(named))


def _print_description(site: "Site", line: str, *, fields: set[str]) -> None:
    from lineside.commands.opened import open_database
    from lineside.terminal import print_json
    from storage.lines import LineRegistry
    from wire.errors import ConfigurationError

    with open_database(site) as opened:
        spec = LineRegistry(opened).get(line)
    if spec is None:
        raise ConfigurationError([f"state describe: no line {line!r}; `lineside state list` names what there is"])
    print_json(spec.model_dump(mode="json", include=fields))


@app.command("set-rate")
@site_command("broker", "database")
def set_rate(
    site: "Site", line: Line,
    rate: Annotated[float, typer.Argument(help="Share of good parts that may be flagged, e.g. 0.01.")],
    product: Product = None, reason: Reason = "", by: By = "", wait: Wait = _WAIT_S,
) -> None:  # fmt: skip
    """State another false-alarm rate; the threshold follows, nothing is rebuilt."""
    from wire.command import CommandKind
    from wire.errors import ConfigurationError

    if not 0 < rate < 1:
        raise ConfigurationError([f"set-rate: {rate:g} is no share between 0 and 1"])
    _send(site, CommandKind.SET_RATE, line, product, reason, by, wait, false_alarm_rate=rate)


@app.command("set-threshold")
@site_command("broker", "database")
def set_threshold(
    site: "Site", line: Line, threshold: Annotated[float, typer.Argument(help="In units of the score.")],
    modality: Annotated[str, typer.Option(help="rgb, depth, sensor, …, or fused.")] = "fused",
    product: Product = None, reason: Reason = "", by: By = "", wait: Wait = _WAIT_S,
) -> None:  # fmt: skip
    """Set a threshold by hand; it wins over the stated rate."""
    from wire.command import CommandKind

    _send(
        site, CommandKind.SET_THRESHOLD, line, product, reason, by, wait, modality=modality,
        threshold=threshold,
    )  # fmt: skip


def _send(
    site: "Site", kind: "CommandKind", line: str, product: str | None, reason: str, by: str, wait_s: float,
    **wanted: Any,
) -> None:  # fmt: skip
    from lineside.command_errand import CommandErrand
    from lineside.commands.opened import open_database
    from lineside.product_choice import choose_product
    from lineside.terminal import out

    with open_database(site) as opened:
        chosen = choose_product(opened, line, product)
    errand = CommandErrand(kind, line, product=chosen, by=by or getpass.getuser(), reason=reason, **wanted)
    errand.send(site.broker)
    out.print(f"sent {kind.value} for {line}, product {chosen or 'without name'} ({errand.command.command_id})")
    if wait_s:
        out.print(errand.wait(site, wait_s))
