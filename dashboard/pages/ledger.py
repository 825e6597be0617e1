"""Ledger: what became of every frame, per source."""

from nicegui import ui

from dashboard.pages.empty_state import empty_state
from dashboard.pages.ledger_table import ledger_table
from dashboard.services import Services

# The ledger itself is read every 2 s for all pages together.
_REFRESH_S = 1.0


async def ledger_page(services: Services) -> None:
    """Build the page; it follows the feed."""
    page = ui.element("main").classes("ls ls-page")
    shown: dict[str, str] = {}

    def refresh() -> None:
        ledger = services.feed.look().ledger
        text = "" if ledger is None else str(ledger_table(ledger))
        if shown.get("text") == text:
            return
        shown["text"] = text
        page.clear()
        with page:
            if text:
                ui.html(text, sanitize=False)
            else:
                empty_state(
                    "No source has reported yet",
                    "Every connector sends its ledger each second. When none arrives here, look whether the connectors "
                    "and the workers run:",
                    "lineside ledger",
                )

    refresh()
    ui.timer(_REFRESH_S, refresh)
