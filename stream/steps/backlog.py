"""What the sources of one partition captured and have not published yet, by their heartbeats in band.

A heartbeat lies behind every frame that it calls published. So a frame that the source holds back is still to come, and
a part that misses one is worth waiting for: its camera is alive, only Kafka, the object store or a lagging reader was
not. No clock of a device plays a part.
"""

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass

from wire.ledger import Heartbeat
from wire.sequence_set import SequenceSet

# A connector that is killed or restarted with frames in its spool is back within some seconds. Larger: a camera that
# died with frames on its disk delays partial parts by as much. Smaller: its restart costs parts their frames.
SILENT_S = 10.0

SessionName = tuple[str, str]  # (source, session)
# Frames of a part's sources that were held back when its deadline came: one of them may be the part's.
Debt = Mapping[SessionName, SequenceSet]


@dataclass(slots=True)
class _Session:
    """A source's session at its last heartbeat."""

    line: str
    heard_s: float
    held_back: SequenceSet
    settled: SequenceSet

    @property
    def was_passed(self) -> bool:
        """Whether newer events were published in front of some that are held back: its order says nothing then."""
        first = next(iter(self.held_back), None)
        return first is not None and first < (self.settled.last or 0)


class Backlogs:
    """Heartbeats and deliveries of every source of one partition, in the order of their offsets."""

    def __init__(self, *, silent_s: float = SILENT_S) -> None:
        self._silent_s = silent_s
        self._sessions: dict[SessionName, _Session] = {}
        self._brings: defaultdict[str, set[str | None]] = defaultdict(set)
        self._reached: dict[str, int] = {}

    def hear(self, heartbeat: Heartbeat, broker_time_s: float) -> None:
        """Take the newest word of a session; forget those that have been silent too long."""
        ledger = heartbeat.ledger
        settled: SequenceSet = ledger.published
        for dropped in ledger.dropped.values():
            settled = settled.union(dropped)
        self._sessions[heartbeat.source, heartbeat.session] = _Session(
            line=heartbeat.line,
            heard_s=broker_time_s,
            held_back=ledger.spooled.union(ledger.in_flight),
            settled=settled,
        )
        for name in [name for name, session in self._sessions.items() if self._is_silent(session, broker_time_s)]:
            del self._sessions[name]

    def delivered(self, source: str, modality: str | None, part: int | None) -> None:
        """``source`` delivered to the part with this number; parts are numbered in the order in which they opened.

        None: nobody has said which part the event shows, so it does not tell how far the source has come.
        """
        self._brings[source].add(modality)
        if part is not None:
            self._reached[source] = max(part, self._reached.get(source, part))

    def debt(self, line: str, part: int, missing: Set[str | None], watermark_s: float) -> Debt:
        """What may still come of the ``missing`` modalities of a part (None: its context). Empty: nothing."""
        return {
            name: session.held_back
            for name, session in self._sessions.items()
            if session.line == line and session.held_back and self._may_deliver(name, part, missing, watermark_s)
        }

    def remaining(self, debt: Debt, part: int, missing: Set[str | None], watermark_s: float) -> Debt:
        """What of ``debt`` is neither published nor dropped by now and may still be the part's."""
        left = {
            name: held_back.difference(self._sessions[name].settled)
            for name, held_back in debt.items()
            if self._may_deliver(name, part, missing, watermark_s)
        }
        return {name: held_back for name, held_back in left.items() if held_back}

    def _may_deliver(self, name: SessionName, part: int, missing: Set[str | None], now_s: float) -> bool:
        """Whether a session speaks, has delivered to no part behind this one, and brings what is missing.

        A source sends in order, unless new events pass its spool; one that has brought nothing yet may bring anything.
        """
        session, source = self._sessions.get(name), name[0]
        if session is None or self._is_silent(session, now_s):
            return False
        if self._reached.get(source, part) > part and not session.was_passed:
            return False
        return source not in self._brings or not missing.isdisjoint(self._brings[source])

    def _is_silent(self, session: _Session, now_s: float) -> bool:
        return now_s - session.heard_s >= self._silent_s
