"""The filter bar of the history: every change is a new address, without a reload."""

from nicegui import ui

from dashboard.pages.history_query import PERIODS, HistoryQuery
from wire.line_state import LineSpec

_PERIODS = {"1h": "Last hour", "8h": "Last 8 hours", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days"}
_VERDICTS = {"": "Any verdict", "defect": "Defect", "ok": "OK", "unknown": "Unknown"}


def filter_bar(query: HistoryQuery, lines: list[LineSpec]) -> None:
    """Draw the filters with their present values."""

    def go(**changes: object) -> None:
        ui.navigate.to(query.path(**changes))

    def select(options: dict[str, str], value: str, field: str, width_px: int) -> None:
        ui.select(options, value=value, on_change=lambda event: go(**{field: event.value})).props(
            f'outlined dense dark options-dense aria-label="{field}"'
        ).style(f"width: {width_px}px")

    def text(label: str, value: str, field: str, width_px: int) -> None:
        box = (
            ui.input(label, value=value)
            .props(f'outlined dense dark clearable aria-label="{label}"')
            .style(f"width: {width_px}px")
        )

        def changed() -> None:
            given = (box.value or "").strip()
            if given != value:
                go(**{field: _number(given) if field == "min_score" else given})

        box.on("keydown.enter", changed).on("blur", changed).on(
            "clear", lambda: go(**{field: None if field == "min_score" else ""})
        )

    with ui.element("div").classes("filters"):
        names = {"": "All lines"} | {spec.line: spec.display_name or spec.line for spec in lines}
        select(names | ({query.line: query.line} if query.line not in names else {}), query.line, "line", 190)
        select(_VERDICTS, query.verdict, "verdict", 130)
        if query.since is None:
            select({key: _PERIODS[key] for key in PERIODS}, query.period, "period", 150)
        else:
            _chosen_span(query)
        text("Part id", query.part_id, "part_id", 150)
        text("Defect type", query.defect_type, "defect_type", 140)
        text("Score at least", "" if query.min_score is None else f"{query.min_score:g}", "min_score", 130)
        if query != HistoryQuery():
            with ui.element("a").classes("btn").props('href="/history"'):
                ui.label("Clear filters")


def _chosen_span(query: HistoryQuery) -> None:
    since = query.since.isoformat() if query.since else ""
    until = query.until.isoformat() if query.until else ""
    with (
        ui.element("a")
        .classes("btn primary")
        .props(f'href="{query.path(since=None, until=None)}" title="Show the whole period"')
    ):
        ui.html(f'<ls-time day iso="{since}"></ls-time> – <ls-time iso="{until}"></ls-time> ✕', sanitize=False)


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
