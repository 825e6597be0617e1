"""The dashboard as a process."""

from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from dashboard.app import build_app
from dashboard.live_feed import LiveFeed
from dashboard.services import Services
from dashboard.settings import DashboardSettings
from storage.database import Database
from storage.objects import open_payload_store
from wire.kafka.sender import KafkaSender
from wire.logs import configure_logging
from wire.telemetry import TelemetryServer

# SIGTERM to end in less than 3 s: streams end at once, a slow request gets one second.
_GRACE_S = 1
_FLUSH_S = 1.0


class DashboardServer(uvicorn.Server):
    """A server whose event streams end as soon as it is told to stop, so that nothing holds it up."""

    def __init__(self, app: FastAPI, settings: DashboardSettings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                log_config=None,
                # At INFO it writes down the client id of every page, which is all that a page's socket asks for.
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                proxy_headers=True,
            )
        )
        self._feed: LiveFeed = app.state.services.feed

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Tell readers that the process stops, then stop as uvicorn does."""
        self._feed.stop()
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Stop when the feed broke: a page that silently shows the past is worse than none."""
        return self._feed.failure is not None or await super().on_tick(counter)


def run(settings: DashboardSettings) -> None:
    """Serve until SIGTERM or SIGINT. ConfigurationError if settings or database do not fit this version."""
    configure_logging("dashboard", json=settings.log_json, level=settings.log_level)
    database = Database(settings.database.get_secret_value())
    payloads = open_payload_store(settings.objects)
    sender = KafkaSender(settings.broker, "lineside-dashboard")
    try:
        database.ensure_current()
        app = build_app(settings, database, payloads, sender)
        telemetry = _telemetry(settings, app.state.services)
        try:
            structlog.get_logger().info("dashboard_starts", url=f"http://{settings.host}:{settings.port}")
            DashboardServer(app, settings).run()
        finally:
            if telemetry is not None:
                telemetry.close()
    finally:
        sender.close(_FLUSH_S)
        payloads.close()
        database.close()


def _telemetry(settings: DashboardSettings, services: Services) -> TelemetryServer | None:
    if settings.telemetry is None:
        return None

    def ready() -> str | None:
        away_since = services.feed.view.away_since
        return None if away_since is None else f"the database has not answered since {away_since.isoformat()}"

    return TelemetryServer(
        services.metrics.registry, host=settings.telemetry.host, port=settings.telemetry.port, ready=ready
    )
