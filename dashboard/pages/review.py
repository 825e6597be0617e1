"""Review: flagged parts that wait for an answer, one after the other, by button or key."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup
from nicegui import PageArguments, ui

from dashboard.keys import Principal
from dashboard.pages.empty_state import empty_state
from dashboard.pages.review_desk import ReviewDesk
from dashboard.review_queue import COUNTED
from dashboard.services import Services
from storage.history import HistoryPage
from wire.errors import DatabaseUnavailable
from wire.finding import Verdict
from wire.line_state import LineSpec

# Two rows of tiles on a wide screen: what a person looks through before he asks for older ones.
_PARTS = 24
# New parts wait for somebody to answer the one before: two seconds later is early enough.
_REFRESH_S = 2.0


@dataclass(frozen=True, kw_only=True)
class ReviewQuery:
    """Which parts are shown; stands in the page's address."""

    line: str = ""
    show: str = "flagged"
    cursor: str = ""

    @property
    def verdict(self) -> Verdict:
        """Flagged parts are confirmed or cleared; good ones are looked through for what was missed."""
        return Verdict.OK if self.show == "good" else Verdict.DEFECT

    def path(self, *, line: str | None = None, show: str | None = None, cursor: str = "") -> str:
        """The address of this view with some fields changed, at its newest part unless ``cursor`` says otherwise."""
        chosen = {"line": self.line if line is None else line, "show": show or self.show, "cursor": cursor}
        usual = {"line": "", "show": "flagged", "cursor": ""}
        params = urlencode({name: value for name, value in chosen.items() if value != usual[name]})
        return f"/review?{params}" if params else "/review"


async def review_page(services: Services, principal: Principal, arguments: PageArguments) -> None:
    """Build the page for its address; it follows the queue."""
    params = arguments.query_parameters
    query = ReviewQuery(
        line=params.get("line", ""),
        show="good" if params.get("show") == "good" else "flagged",
        cursor=params.get("cursor", ""),
    )
    page = ui.element("main").classes("ls ls-page")
    lines, found = await asyncio.to_thread(lambda: (services.lines.all(), _read(services, query)))
    with page:
        waiting = _head(query, lines)
        desk = ReviewDesk(services, principal, query.verdict)
        nothing = ui.element("div").classes("fill")
        paging = ui.element("div").classes("rowx")

    def show(found: HistoryPage) -> None:
        desk.show(found.items)
        nothing.clear()
        paging.clear()
        with nothing:
            if desk.is_empty:
                _explain_empty(query)
        with paging:
            _paging(query, found)

    async def refresh() -> None:
        count = services.feed.look().waiting
        waiting.set_text(f"{count}+ waiting" if count >= COUNTED else f"{count} waiting")
        try:
            found = await asyncio.to_thread(_read, services, query)
        except DatabaseUnavailable:
            return  # the banner at the top says so
        if list(found.items) != list(desk.items):
            show(found)
        await desk.refresh()

    show(found)
    await refresh()
    desk.on_answered(refresh)
    with page:
        ui.timer(_REFRESH_S, refresh)


def _read(services: Services, query: ReviewQuery) -> HistoryPage:
    return services.review.page(query.line or None, verdict=query.verdict, limit=_PARTS, cursor=query.cursor or None)


def _head(query: ReviewQuery, lines: list[LineSpec]) -> ui.label:
    with ui.element("div").classes("filters"):
        for show, name in (("flagged", "Flagged parts"), ("good", "Good parts")):
            here = " primary" if show == query.show else ""
            with ui.element("a").classes(f"btn{here}").props(f'href="{query.path(show=show)}"'):
                ui.label(name)
        names = {"": "All lines"} | {spec.line: spec.display_name or spec.line for spec in lines}
        ui.select(
            names | ({} if query.line in names else {query.line: query.line}),
            value=query.line,
            on_change=lambda event: ui.navigate.to(query.path(line=event.value)),
        ).props('outlined dense dark options-dense aria-label="line"').style("width: 190px")
        waiting = (
            ui.label().classes("soft").props("data-waiting").tooltip("Flagged parts of all lines without an answer")
        )
        ui.html(str(_keys_legend(query.verdict)), sanitize=False).classes("muted").style("margin-left: auto")
    return waiting


def _keys_legend(verdict: Verdict) -> Markup:
    keys = [("←", "newer"), ("→", "older")]
    if verdict is Verdict.DEFECT:
        keys = [("A", "it is fine"), ("D", "it is a defect"), *keys]
    else:
        keys = [("D", "you missed one"), *keys]
    return Markup(" ").join(Markup('<kbd class="tag">{}</kbd> {}').format(key, meaning) for key, meaning in keys)


def _explain_empty(query: ReviewQuery) -> None:
    if query.verdict is Verdict.OK:
        empty_state("No good part is left to look at", "Parts that a person has answered are not shown again.")
    elif query.cursor:
        empty_state("These parts are answered", "Others may have come meanwhile; go back to the newest ones.")
    else:
        empty_state("Nothing waits for an answer", "A flagged part appears here as soon as it is stored.")


def _paging(query: ReviewQuery, found: HistoryPage) -> None:
    if query.cursor:
        with ui.element("a").classes("btn").props(f'href="{query.path()}"'):
            ui.label("Newest")
    if found.next_cursor:
        with ui.element("a").classes("btn").props(f'href="{query.path(cursor=found.next_cursor)}" data-older'):
            ui.label("Older parts")
