"""One poller of the database for every open page and event stream."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from dashboard.line_board import BoardReader, LineBoard
from dashboard.metrics import DashboardMetrics
from dashboard.review_queue import ReviewQueue
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.ledger import Ledger, LedgerStore
from storage.stored_inspection import StoredInspection
from wire.errors import DatabaseUnavailable
from wire.finding import Verdict

# What the live page shows of a line: two rows of six, and eight flagged ones that stay until newer ones come.
LATEST = 12
FLAGGED = 8
# Event streams that fell behind by more than this read the database instead (at 10 parts/s: three minutes).
_REMEMBERED = 2000
# Parts per poll: at 10 parts/s a poll finds 3; a backlog is caught up at 500 per poll.
_BATCH = 500
# Counts, versions and the ledger change slowly and cost more: nobody reads a rate that changes three times a second.
_BOARDS_EVERY_S = 2.0
# Without anybody looking the feed only keeps its place.
_IDLE_POLL_S = 2.0
# Pages look every 0.4 s; a browser that is late by some seconds still counts as looking.
_WATCHED_FOR_S = 5.0


@dataclass(frozen=True, kw_only=True)
class LiveView:
    """What everybody sees at this moment.

    ``waiting``: flagged parts that nobody has answered. ``away_since``: the database has not answered since then.
    """

    boards: tuple[LineBoard, ...] = ()
    ledger: Ledger | None = None
    waiting: int = 0
    latest: Mapping[str, Sequence[StoredInspection]] = field(default_factory=dict)
    flagged: Mapping[str, Sequence[StoredInspection]] = field(default_factory=dict)
    away_since: datetime | None = None
    loaded: bool = False


class LiveFeed:
    """Polls ``History.stored_after`` and the boards; readers look at ``view`` or wait for newer parts.

    Loses nothing while the database is there: a reader that fell behind continues from SQL. Not thread-safe: lives in
    the server's event loop, and asks the stores in threads.
    """

    def __init__(
        self,
        history: History,
        boards: BoardReader,
        ledger: LedgerStore,
        review: ReviewQueue,
        metrics: DashboardMetrics,
        *,
        poll_s: float,
    ) -> None:
        self._history = history
        self._boards = boards
        self._ledger = ledger
        self._review = review
        self._metrics = metrics
        self._poll_s = poll_s
        self._recent: deque[StoredInspection] = deque(maxlen=_REMEMBERED)
        self._seen = 0
        # Replaced at each change: whoever waits for the old one wakes up.
        self._changed = asyncio.Event()
        self._closed = False
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._looked_at_s = float("-inf")
        self._boards_at_s = float("-inf")
        self.view = LiveView()

    def look(self) -> LiveView:
        """The present view; while somebody looks every few seconds the feed polls at its full rate."""
        self._looked_at_s = time.monotonic()
        self._wake.set()
        return self.view

    def start(self) -> None:
        """Begin to poll in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(), name="live feed")

    async def _run(self) -> None:
        """Poll until stopped; a database that is away is tried again, and said so in ``view.away_since``."""
        while not self._closed:
            started_s = time.monotonic()
            try:
                more = await self._poll()
            except DatabaseUnavailable as error:
                self._away(error)
                more = False
            if not more:
                await self._rest(started_s)

    @property
    def failure(self) -> BaseException | None:
        """What ended the polling unforeseen, None while all is well."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception()

    async def ended(self) -> None:
        """Wait until the polling has ended after ``stop``; raises what ended it unforeseen."""
        if self._task is not None:
            await self._task

    def stop(self) -> None:
        """End the polling and every waiting reader; may be called from a signal handler."""
        self._closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_all)

    @property
    def closed(self) -> bool:
        """Whether the process is stopping."""
        return self._closed

    @property
    def last_seen(self) -> int:
        """Sequence number of the newest part in the feed."""
        return self._seen

    async def after(self, stored_seq: int, timeout_s: float) -> Sequence[StoredInspection]:
        """Parts stored after ``stored_seq``, oldest first; empty when none came in time or the feed was closed."""
        if self._seen <= stored_seq and not self._closed:
            try:
                await asyncio.wait_for(self._changed.wait(), timeout_s)
            except TimeoutError:
                return ()
        if self._closed or self._seen <= stored_seq:
            return ()
        if self._recent and self._recent[0].stored_seq <= stored_seq + 1:
            return [stored for stored in self._recent if stored.stored_seq > stored_seq]
        return await asyncio.to_thread(self._history.stored_after, stored_seq, _BATCH)

    async def _poll(self) -> bool:
        """Take what is new; whether there is more at once."""
        if not self.view.loaded:
            await self._load()
        fresh = await asyncio.to_thread(self._history.stored_after, self._seen, _BATCH)
        view = self.view
        if time.monotonic() - self._boards_at_s >= _BOARDS_EVERY_S:
            view = await asyncio.to_thread(self._with_boards, view)
            self._boards_at_s = time.monotonic()
        self._take(fresh, view)
        if fresh:
            self._tell_readers()
        return len(fresh) == _BATCH

    async def _load(self) -> None:
        """Begin with what is there: the last parts of every line, and the place from which to follow."""
        # First the place, then the parts: what is stored in between comes twice, and is shown once.
        seen = await asyncio.to_thread(self._history.newest_seq)
        view = await asyncio.to_thread(self._with_boards, self.view)
        latest: dict[str, Sequence[StoredInspection]] = {}
        flagged: dict[str, Sequence[StoredInspection]] = {}
        for board in view.boards:
            line = board.spec.line
            latest[line] = (await asyncio.to_thread(self._history.page, HistoryFilter(line=line), limit=LATEST)).items
            query = HistoryFilter(line=line, verdict=Verdict.DEFECT)
            flagged[line] = (await asyncio.to_thread(self._history.page, query, limit=FLAGGED)).items
        self._seen = seen
        self.view = replace(view, latest=latest, flagged=flagged, loaded=True)

    def _with_boards(self, view: LiveView) -> LiveView:
        """``view`` with what changes slowly read anew."""
        ledger = self._ledger.read()
        boards = self._boards.read(datetime.now(UTC), ledger)
        return replace(view, boards=boards, ledger=ledger, waiting=self._review.waiting())

    def _take(self, fresh: Sequence[StoredInspection], view: LiveView) -> None:
        latest, flagged = dict(self.view.latest), dict(self.view.flagged)
        now = datetime.now(UTC)
        for stored in fresh:
            line = stored.inspection.line
            latest[line] = _newest(stored, latest.get(line, ()), LATEST)
            # A part may be stored again with more modalities and then be good after all.
            others = [
                it for it in flagged.get(line, ()) if it.inspection.inspection_id != stored.inspection.inspection_id
            ]
            flagged[line] = _newest(stored, others, FLAGGED) if stored.inspection.verdict is Verdict.DEFECT else others
            self._metrics.live_delay_seconds.observe(max(0.0, (now - stored.stored_at).total_seconds()))
        if fresh:
            self._recent.extend(fresh)
            self._seen = fresh[-1].stored_seq
        self.view = replace(view, latest=latest, flagged=flagged, away_since=None)

    def _away(self, error: DatabaseUnavailable) -> None:
        self._metrics.polls_failed.inc()
        if self.view.away_since is None:
            structlog.get_logger().warning("live_feed_waits_for_database", error=str(error))
            self.view = replace(self.view, away_since=datetime.now(UTC))

    def _tell_readers(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _wake_all(self) -> None:
        self._wake.set()
        self._tell_readers()

    async def _rest(self, started_s: float) -> None:
        """Wait until the next poll is due; a look after a quiet time ends the wait."""
        watched = time.monotonic() - self._looked_at_s < _WATCHED_FOR_S
        pause_s = started_s + (self._poll_s if watched else max(self._poll_s, _IDLE_POLL_S)) - time.monotonic()
        if self._closed:
            return
        if watched:
            await asyncio.sleep(max(0.0, pause_s))
            return
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), max(0.0, pause_s))
        except TimeoutError:
            return


def _newest(stored: StoredInspection, others: Sequence[StoredInspection], limit: int) -> list[StoredInspection]:
    rest = [it for it in others if it.inspection.inspection_id != stored.inspection.inspection_id]
    return sorted([stored, *rest], key=lambda it: it.inspection.captured_at, reverse=True)[:limit]
