"""Live: every line with its state, rates and last parts."""

from nicegui import ui

from dashboard.pages.components.lane import Lane
from dashboard.pages.empty_state import empty_state
from dashboard.pages.live_lane import lane_of
from dashboard.services import Services

# One message per changed line; faster than this the eye sees flicker and nothing more (at 10 parts/s: 4 new tiles).
_REFRESH_S = 0.4


def live_page(services: Services) -> None:
    """Build the page; from then on it follows the feed."""
    page = ui.element("main").classes("ls ls-page")
    shown: dict[str, Lane] = {}

    def build() -> None:
        page.clear()
        shown.clear()
        view = services.feed.look()
        with page:
            if view.loaded and not view.boards:
                empty_state(
                    "No line yet",
                    "A line appears here as soon as the first part of it is inspected. Start the whole demonstration "
                    "line, or a connector with the configuration of yours:",
                    "lineside up",
                )
            elif not view.loaded:
                empty_state("Reading the history", "The lines appear as soon as the database has answered.")
            with ui.element("div").classes("lanes"):
                for board in view.boards:
                    shown[board.spec.line] = Lane(lane_of(board, view))

    def refresh() -> None:
        view = services.feed.look()
        if [board.spec.line for board in view.boards] != list(shown) or (view.loaded and not shown):
            build()
            return
        for board in view.boards:
            shown[board.spec.line].show(lane_of(board, view))

    build()
    ui.timer(_REFRESH_S, refresh)
