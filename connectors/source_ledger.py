"""The ledgers of every (source, session) of this process: each captured number is in exactly one other set."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from wire.frame import Origin
from wire.ledger import DropReason, SourceLedger
from wire.sequence_set import SequenceSet


@dataclass(frozen=True, kw_only=True)
class SessionLedger:
    """A copy of one session's ledger. ``finished``: a newer session took over and nothing of this one is on its way."""

    line: str
    source: str
    session: str
    ledger: SourceLedger
    finished: bool


class _Session:
    __slots__ = ("captured", "dropped", "in_flight", "line", "published", "spooled")

    def __init__(self, line: str) -> None:
        self.line = line
        self.captured = SequenceSet()
        self.published = SequenceSet()
        self.spooled = SequenceSet()
        self.in_flight = SequenceSet()
        self.dropped: dict[DropReason, SequenceSet] = {}

    def undrop(self, number: int) -> None:
        for numbers in self.dropped.values():
            numbers.discard(number)


class SourceLedgers:
    """Books every event of this process under its (source, session). Thread-safe; each call is one short lock.

    A number that is booked twice moves forward only: published wins over spooled, spooled over in flight. A frame that
    is captured again after a restart is therefore counted once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], _Session] = {}
        self._current: dict[str, str] = {}

    def _session(self, origin: Origin) -> _Session:
        key = (origin.source, origin.session)
        session = self._sessions.get(key)
        if session is None:
            session = self._sessions[key] = _Session(origin.line)
        return session

    def captured(self, origin: Origin) -> None:
        """Book a frame that the publisher took: in flight until more is known. Its session is the live one."""
        number = origin.sequence
        with self._lock:
            session = self._session(origin)
            self._current[origin.source] = origin.session
            session.captured.add(number)
            if number not in session.published and number not in session.spooled:
                session.undrop(number)
                session.in_flight.add(number)

    def published(self, origin: Origin) -> None:
        """Book an acknowledgement of the broker; final."""
        number = origin.sequence
        with self._lock:
            session = self._session(origin)
            session.captured.add(number)
            session.in_flight.discard(number)
            session.spooled.discard(number)
            if session.dropped:
                session.undrop(number)
            session.published.add(number)

    def spooled(self, origins: Iterable[Origin]) -> None:
        """Book frames that the spool has synced to disk, found there at the start or written just now."""
        with self._lock:
            for origin in origins:
                session = self._session(origin)
                number = origin.sequence
                session.captured.add(number)
                session.in_flight.discard(number)
                if number not in session.published:
                    session.undrop(number)
                    session.spooled.add(number)

    def dropped(self, origin: Origin, reason: DropReason) -> None:
        """Book a frame that was let go; a frame that was published already stays published."""
        number = origin.sequence
        with self._lock:
            session = self._session(origin)
            session.captured.add(number)
            session.in_flight.discard(number)
            session.spooled.discard(number)
            if number not in session.published:
                session.dropped.setdefault(reason, SequenceSet()).add(number)

    def snapshot(self) -> list[SessionLedger]:
        """A copy of every session's ledger, oldest session first."""
        with self._lock:
            return [
                SessionLedger(
                    line=session.line,
                    source=source,
                    session=name,
                    ledger=SourceLedger(
                        captured=session.captured.copy(),
                        published=session.published.copy(),
                        spooled=session.spooled.copy(),
                        in_flight=session.in_flight.copy(),
                        dropped={reason: numbers.copy() for reason, numbers in session.dropped.items() if numbers},
                    ),
                    finished=self._current.get(source) != name and not session.spooled and not session.in_flight,
                )
                for (source, name), session in self._sessions.items()
            ]

    def forget(self, told: SessionLedger) -> None:
        """Let go of a finished session whose last ledger has been told, unless something was booked since."""
        key = (told.source, told.session)
        with self._lock:
            session = self._sessions.get(key)
            if session is None or self._current.get(told.source) == told.session:
                return
            if session.captured == told.ledger.captured and not session.in_flight and not session.spooled:
                del self._sessions[key]
