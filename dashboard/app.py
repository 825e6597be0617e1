"""The application: API, pages and the poller behind them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Match

from dashboard.api.commands import commands_router
from dashboard.api.inspections import inspections_router
from dashboard.api.ledger import ledger_router
from dashboard.api.lines import lines_router
from dashboard.api.live import live_router
from dashboard.api.review import review_router
from dashboard.api.service import service_router
from dashboard.api.statistics import statistics_router
from dashboard.command_desk import CommandDesk
from dashboard.gate import Gate
from dashboard.line_board import BoardReader
from dashboard.live_feed import LiveFeed
from dashboard.login import login_router
from dashboard.metrics import DashboardMetrics
from dashboard.picture_cache import PictureCache
from dashboard.problems import answer_with_problems
from dashboard.reference.page import reference_router
from dashboard.review_queue import ReviewQueue
from dashboard.services import Services
from dashboard.settings import DashboardSettings
from dashboard.traffic import Traffic
from storage.commands import CommandStore
from storage.database import Database
from storage.history import History
from storage.ledger import LedgerStore
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.references import ReferenceStore
from wire.event_sender import EventSender
from wire.payload_store import PayloadStore

_DESCRIPTION = """History, lines and commands of a Lineside installation.

Lists are paged by an opaque `cursor`: a page continues where the one before ended, however many parts arrive meanwhile.
Moments are RFC 3339 with zone. Errors are RFC 9457 problem documents. Where the server has API keys, send one as
`X-API-Key` or as bearer token: a *viewer* reads, an *operator* also answers parts, an *engineer* also changes what a
line knows. Commands are answered with 202 once Kafka has them; `GET /api/v1/commands/{id}` tells what became of them.
"""
_ROUTERS = (
    inspections_router,
    statistics_router,
    review_router,
    lines_router,
    commands_router,
    ledger_router,
    live_router,
    service_router,
)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def build_app(
    settings: DashboardSettings, database: Database, payloads: PayloadStore, command_sender: EventSender
) -> FastAPI:
    """Make the application. ``app.state.services`` holds what it is made of.

    ConfigurationError if the address is open to other machines and nobody has a key. The caller keeps, and closes, the
    database, the payload store and the sender.
    """
    services = build_services(settings, database, payloads, command_sender)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.feed.start()
        try:
            yield
        finally:
            services.feed.stop()
            await services.feed.ended()

    app = FastAPI(
        title="Lineside",
        version=version("lineside"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        # Swagger UI and ReDoc come from a CDN, which a plant's network does not reach; see dashboard.reference.
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    answer_with_problems(app)
    app.add_middleware(Traffic, metrics=services.metrics)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=services.gate.allowed_hosts(settings))
    routers = [make(services) for make in _ROUTERS]
    for router in routers:
        app.include_router(router)
    app.include_router(reference_router(app))
    app.include_router(_nowhere(routers))
    if settings.pages:
        # NiceGUI changes process-wide state on import; a server of the API alone shall not pay for it.
        from dashboard.pages.site import add_pages

        app.include_router(login_router(services))
        add_pages(app, services)
    return app


def build_services(
    settings: DashboardSettings, database: Database, payloads: PayloadStore, command_sender: EventSender
) -> Services:
    """Everything an answer may need."""
    metrics = DashboardMetrics()
    history, lines, ledger = History(database), LineRegistry(database), LedgerStore(database)
    states = LineStateStore(database, payloads)
    boards = BoardReader(history=history, lines=lines, states=states)
    commands, desk = CommandStore(database), CommandDesk(command_sender, metrics)
    review = ReviewQueue(history=history, commands=commands, desk=desk)
    return Services(
        settings=settings,
        payloads=payloads,
        pictures=PictureCache(payloads),
        history=history,
        lines=lines,
        states=states,
        references=ReferenceStore(database),
        commands=commands,
        ledger=ledger,
        boards=boards,
        desk=desk,
        review=review,
        gate=Gate.open(settings),
        metrics=metrics,
        feed=LiveFeed(history, boards, ledger, review, metrics, poll_s=settings.poll_s),
    )


def _nowhere(routers: Sequence[APIRouter]) -> APIRouter:
    """Unknown paths below /api: 405 where another method exists, else 404; never the pages' HTML."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/api/{path:path}", methods=_METHODS)
    def nowhere(request: Request, path: str) -> None:
        routes = [route for known in routers for route in known.routes]
        fitting = [route for route in routes if route.matches(request.scope)[0] is Match.PARTIAL]
        if fitting:
            allow = ", ".join(sorted({method for route in fitting for method in getattr(route, "methods", ())}))
            raise HTTPException(405, f"/api/{path} answers {allow}", headers={"Allow": allow})
        raise HTTPException(404, f"there is no /api/{path}; see /api/v1/openapi.json")

    return router
