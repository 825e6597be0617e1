"""``lineside history``: what was inspected."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.commands.options import AsJson
from lineside.commands.site_command import site_command

if TYPE_CHECKING:
    from lineside.site import Site


@site_command("database")
def history(
    site: "Site",
    line: Annotated[str | None, typer.Option(help="Only this line (site.area.line).")] = None,
    since: Annotated[str | None, typer.Option(help="30m, 2h, 7d (ago), a date, or a date with time.")] = None,
    until: Annotated[str | None, typer.Option(help="Like --since.")] = None,
    verdict: Annotated[str | None, typer.Option(help="ok, defect or unknown.")] = None,
    product: Annotated[str | None, typer.Option(help="Only this product.")] = None,
    part: Annotated[str | None, typer.Option(help="Only this part id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Go on where an earlier answer ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """Inspections, newest first."""
    from lineside.commands.opened import open_database
    from lineside.moments import parse_moment
    from lineside.terminal import print_json
    from storage.history import History
    from storage.history_filter import HistoryFilter
    from wire.errors import ConfigurationError
    from wire.finding import Verdict

    now = datetime.now(UTC)
    if verdict is not None and verdict not in set(Verdict):
        raise ConfigurationError([f"--verdict: {verdict!r} is none of {', '.join(Verdict)}"])
    wanted = HistoryFilter(
        line=line,
        product=product,
        verdict=Verdict(verdict) if verdict else None,
        since=parse_moment(since, now=now, option="--since") if since else None,
        until=parse_moment(until, now=now, option="--until") if until else None,
        part_id=part,
    )
    with open_database(site) as opened:
        page = History(opened).page(wanted, limit, cursor)
    if as_json:
        print_json({"items": [_document(item) for item in page.items], "next_cursor": page.next_cursor})
    else:
        _print_table(page)


def _document(item: Any) -> dict[str, Any]:
    report = item.report
    return {
        **item.inspection.model_dump(mode="json", by_alias=True),
        "StoredAt": item.stored_at.isoformat(),
        "Report": None if report is None else report.model_dump(mode="json", by_alias=True),
    }


def _print_table(page: Any) -> None:
    from rich.table import Table

    from lineside.terminal import out

    table = Table("time (UTC)", "line", "part", "product", "verdict", "score", "threshold", "state", "report")
    for item in page.items:
        one = item.inspection
        version = one.provenance.state_version
        table.add_row(
            f"{one.captured_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3],
            one.line,
            one.part_id,
            one.product,
            _coloured(one.verdict.value, partial=one.is_partial),
            "–" if one.score is None else f"{one.score:.3f}",
            "–" if one.threshold is None else f"{one.threshold:.3f}",
            one.mode.value if version is None else f"v{version}",
            "" if item.report is None else item.report.summary,
        )
    out.print(table if page.items else "no inspection fits")
    if page.next_cursor:
        out.print(f"more: --cursor {page.next_cursor}", soft_wrap=True)


def _coloured(verdict: str, *, partial: bool) -> str:
    colour = {"ok": "green", "defect": "red"}.get(verdict, "yellow")
    return f"[{colour}]{verdict}[/]" + (" (partial)" if partial else "")
