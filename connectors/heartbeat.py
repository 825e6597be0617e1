"""The sign of life of each live (source, session), with its ledger, on the same key as the frames it speaks of."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from connectors.source_ledger import SessionLedger, SourceLedgers
from wire import topics
from wire.errors import BrokerUnavailable, LinesideError
from wire.event_sender import Acknowledgement, EventSender
from wire.ledger import Heartbeat, SpoolState


def _now() -> datetime:
    return datetime.now(UTC)


class HeartbeatSender:
    """Sends one heartbeat per live session whenever ``beat`` is called.

    A heartbeat may be lost (the next one says the same and more) and is never sent twice. It is produced after the
    acknowledgements it speaks of, so that in the partition it lies behind every frame it calls published.
    """

    def __init__(
        self,
        sender: EventSender,
        ledgers: SourceLedgers,
        now: Callable[[], datetime] = _now,
        *,
        spool: Callable[[], SpoolState | None] = lambda: None,
    ) -> None:
        self._sender = sender
        self._spool = spool
        self._ledgers = ledgers
        self._now = now
        self._lock = threading.Lock()
        self._under_way: set[tuple[str, str]] = set()
        self._log = structlog.get_logger("connectors.heartbeat")

    def beat(self, *, closing: bool = False) -> None:
        """Send a heartbeat for each session; ``closing`` ends them all, a finished session ends by itself.

        While the broker is away nothing is sent: a session whose last heartbeat is still under way is left out.
        """
        for session in self._ledgers.snapshot():
            key = (session.source, session.session)
            with self._lock:
                if key in self._under_way and not closing:
                    continue
                self._under_way.add(key)
            closed = closing or session.finished
            try:
                self._sender.send(
                    topics.FRAMES,
                    session.line,
                    self._heartbeat(session, closed=closed).to_event(),
                    self._arrival(session),
                )
            except BrokerUnavailable as error:
                with self._lock:
                    self._under_way.discard(key)
                self._log.debug("heartbeat_not_sent", source=session.source, reason=str(error))

    def _arrival(self, session: SessionLedger) -> Callable[[Acknowledgement | LinesideError], None]:
        def arrived(result: Acknowledgement | LinesideError) -> None:
            with self._lock:
                self._under_way.discard((session.source, session.session))
            if session.finished and isinstance(result, Acknowledgement):
                self._ledgers.forget(session)

        return arrived

    def _heartbeat(self, session: SessionLedger, *, closed: bool) -> Heartbeat:
        return Heartbeat(
            line=session.line,
            source=session.source,
            session=session.session,
            sent_at=self._now(),
            closed=closed,
            ledger=session.ledger,
            spool=self._spool(),
        )
