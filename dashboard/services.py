"""Everything an answer may need, made once by ``build_app``."""

from dataclasses import dataclass

from dashboard.command_desk import CommandDesk
from dashboard.gate import Gate
from dashboard.line_board import BoardReader
from dashboard.live_feed import LiveFeed
from dashboard.metrics import DashboardMetrics
from dashboard.picture_cache import PictureCache
from dashboard.review_queue import ReviewQueue
from dashboard.settings import DashboardSettings
from storage.commands import CommandStore
from storage.history import History
from storage.ledger import LedgerStore
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.references import ReferenceStore
from wire.payload_store import PayloadStore


@dataclass(frozen=True, kw_only=True)
class Services:
    """Stores to read from, the desk to send through, the gate, the live feed."""

    settings: DashboardSettings
    payloads: PayloadStore
    pictures: PictureCache
    history: History
    lines: LineRegistry
    states: LineStateStore
    references: ReferenceStore
    commands: CommandStore
    ledger: LedgerStore
    desk: CommandDesk
    review: ReviewQueue
    gate: Gate
    feed: LiveFeed
    boards: BoardReader
    metrics: DashboardMetrics
