"""History: filters, a timeline, defect types, and the parts themselves."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from markupsafe import Markup
from nicegui import PageArguments, ui

from dashboard.api.statistics import TimeBucket, TypeCount, pareto_of, timeline_of
from dashboard.evidence_links import thumbnail_url
from dashboard.pages.components.timeline import Timeline
from dashboard.pages.empty_state import empty_state
from dashboard.pages.history_filters import filter_bar
from dashboard.pages.history_query import HistoryQuery
from dashboard.pages.pareto import pareto
from dashboard.pages.wording import product_text, score_text, types_text, verdict_word
from dashboard.services import Services
from dashboard.time_buckets import bucket_for
from storage.history import HistoryPage
from storage.stored_inspection import StoredInspection
from wire.line_state import LineSpec

# Two screens of rows: enough to scan, little enough to load at once.
_ROWS = 50


class _Found(NamedTuple):
    lines: list[LineSpec]
    page: HistoryPage
    buckets: list[TimeBucket]
    types: list[TypeCount]


async def history_page(services: Services, arguments: PageArguments) -> None:
    """Build the page for the filters in its address."""
    page = ui.element("main").classes("ls ls-page")
    query, now = HistoryQuery.read(arguments.query_parameters), datetime.now(UTC)
    found = await asyncio.to_thread(_read, services, query, now)
    with page:
        filter_bar(query, found.lines)
        _charts(query, found, now)
        if found.page.items:
            ui.html(str(_table(found.page.items)), sanitize=False).classes("card").style("padding: 4px 0")
            _paging(query, found.page)
        else:
            empty_state(
                "No part matches",
                "Choose a longer period or fewer filters. Parts older than the retention are removed; frames that "
                "never became a part are on the ledger page.",
            )


def _read(services: Services, query: HistoryQuery, now: datetime) -> _Found:
    since, until = query.span(now)
    line = query.line or None
    return _Found(
        lines=list(services.lines.all()),
        page=services.history.page(query.to_filter(now), limit=_ROWS, cursor=query.cursor or None),
        buckets=timeline_of(services.history, line, since, until, bucket_for(since, until)),
        types=pareto_of(services.history, line, since, until),
    )


def _charts(query: HistoryQuery, found: _Found, now: datetime) -> None:
    since, until = query.span(now)
    bucket_s = bucket_for(since, until)

    def zoom(start: str) -> None:
        chosen = next(bucket for bucket in found.buckets if bucket.start.isoformat() == start)
        ui.navigate.to(query.path(since=chosen.start, until=chosen.end))

    with ui.element("div").classes("charts"):
        with ui.element("div").classes("card stack"):
            ui.html(f"<h3>Parts per {_span_text(bucket_s)}</h3>", sanitize=False)
            Timeline([_bar(bucket) for bucket in found.buckets], zoom)
        with ui.element("div").classes("card stack"):
            ui.html("<h3>Defect types</h3>", sanitize=False)
            names = {spec.line: spec.display_name or spec.line for spec in found.lines}
            pareto(found.types, names, lambda chosen: ui.navigate.to(query.path(defect_type=chosen)))


def _bar(bucket: TimeBucket) -> dict[str, object]:
    return {
        "start": bucket.start.isoformat(),
        "end": bucket.end.isoformat(),
        "total": bucket.total,
        "defect": bucket.defect,
        "unknown": bucket.unknown,
    }


def _table(items: Sequence[StoredInspection]) -> Markup:
    head = Markup(
        "<tr><th></th><th>Verdict</th><th>Part</th><th>Line</th><th>Product</th><th>Found</th>"
        '<th class="num">Score</th><th class="num">Threshold</th><th>State</th><th>Captured</th></tr>'
    )
    rows = Markup("").join(_row(stored) for stored in items)
    return Markup('<div class="scroll-x"><table class="grid"><thead>{}</thead><tbody>{}</tbody></table></div>').format(
        head, rows
    )


def _row(stored: StoredInspection) -> Markup:
    it = stored.inspection
    picture = thumbnail_url(it)
    shot = (
        Markup('<img class="thumb" loading="lazy" alt="" src="{}">').format(picture)
        if picture
        else Markup('<span class="thumb"></span>')
    )
    version = it.provenance.state_version
    return Markup(
        '<tr data-part="{id}"><td><a href="/part/{id}" tabindex="-1">{shot}</a></td>'
        '<td><span class="verdict {tone}">{word}</span>{partial}</td>'
        '<td><a href="/part/{id}"><b>{part}</b></a></td><td class="soft">{line}</td><td class="soft">{product}</td>'
        '<td>{types}</td><td class="num mono">{score}</td><td class="num mono muted">{threshold}</td><td>{state}</td>'
        '<td class="soft"><ls-time day iso="{at}"></ls-time></td></tr>'
    ).format(
        id=it.inspection_id,
        shot=shot,
        tone=it.verdict.value,
        word=verdict_word(it),
        partial=Markup(' <span class="tag warn">partial</span>') if it.is_partial else "",
        part=it.part_id,
        line=it.line,
        product=product_text(it.product),
        types=types_text(it),
        score=score_text(it.score),
        threshold=score_text(it.threshold),
        state="zero-shot" if version is None else f"v{version}",
        at=it.captured_at.isoformat(),
    )


def _paging(query: HistoryQuery, page: HistoryPage) -> None:
    with ui.element("div").classes("rowx"):
        if query.cursor:
            with ui.element("a").classes("btn").props(f'href="{query.path()}"'):
                ui.label("Newest")
        if page.next_cursor:
            with ui.element("a").classes("btn").props(f'href="{query.path(cursor=page.next_cursor)}" data-older'):
                ui.label("Older parts")
        else:
            ui.label("No older parts match.").classes("muted")


def _span_text(bucket_s: int) -> str:
    unit_s, name = next(
        it for it in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")) if bucket_s % it[0] == 0
    )
    count = bucket_s // unit_s
    return name if count == 1 else f"{count} {name}s"
