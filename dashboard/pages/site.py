"""The pages as one application: the frame stays, the content changes without a reload."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from nicegui import PageArguments, ui

from dashboard.errors import NotIdentified
from dashboard.keys import Principal
from dashboard.pages.frame import add_assets, stale_banner, top_bar
from dashboard.pages.guarded import guarded
from dashboard.pages.history import history_page
from dashboard.pages.ledger import ledger_page
from dashboard.pages.live import live_page
from dashboard.pages.part import part_page
from dashboard.pages.review import review_page
from dashboard.pages.states import states_page
from dashboard.services import Services

_ADDRESSES = ("/", "/part/{inspection_id}", "/review", "/history", "/states", "/ledger")
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#1a1d20"/>'
    '<path d="M5 12v10h22V12" fill="none" stroke="#eceff1" stroke-width="3"/><path d="M16 7v9" stroke="#7ab8ff" '
    'stroke-width="4"/></svg>'
)


def add_pages(app: FastAPI, services: Services) -> None:
    """Serve the pages from ``app``. One app per process: NiceGUI keeps its pages in the process."""

    def site(request: Request) -> Response | None:
        try:
            principal = services.gate.principal(request.headers, request.cookies)
        except NotIdentified:
            return RedirectResponse("/login")
        add_assets()
        top_bar(services, principal)
        stale_banner(services)
        ui.sub_pages(_routes(services, principal))
        return None

    for address in _ADDRESSES:
        ui.page(address)(site)
    ui.run_with(
        app,
        title="Lineside",
        favicon=_ICON,
        dark=True,
        tailwind=False,
        show_welcome_message=False,
        binding_refresh_interval=None,
    )


def _routes(services: Services, principal: Principal) -> dict[str, Callable[..., object]]:
    def part(inspection_id: str) -> Awaitable[None]:
        return guarded(lambda: part_page(services, principal, inspection_id))

    def review(arguments: PageArguments) -> Awaitable[None]:
        return guarded(lambda: review_page(services, principal, arguments))

    def history(arguments: PageArguments) -> Awaitable[None]:
        return guarded(lambda: history_page(services, arguments))

    def states(arguments: PageArguments) -> Awaitable[None]:
        return guarded(lambda: states_page(services, principal, arguments))

    return {
        "/": lambda: live_page(services),
        "/part/{inspection_id}": part,
        "/review": review,
        "/history": history,
        "/states": states,
        "/ledger": lambda: guarded(lambda: ledger_page(services)),
    }
