"""What became of every event of a source: by its own heartbeats, compared with what lies in Kafka."""

from dataclasses import dataclass
from typing import Any

from tests.pipeline.connectors.published import Published
from wire import topics


@dataclass(frozen=True, kw_only=True)
class EdgeLedger:
    """One session of a source that has ended: sequence numbers by what became of them.

    ``holes``: numbers between the first and the last that the source never got: losses with a name, but no event.
    """

    published: set[int]
    dropped: dict[str, set[int]]
    holes: set[int]

    @property
    def first(self) -> int:
        return min(self.published)

    @property
    def last(self) -> int:
        return max(self.published)


def ledgers_of(published: Published, source: str) -> dict[str, EdgeLedger]:
    """By session, in order. AssertionError where something is in no account, waits still, or is not in Kafka."""
    events: dict[str, set[int]] = {}
    for event in published.events():
        if event.source == source and event.type != topics.HEARTBEAT:
            events.setdefault(event.extensions["sessionid"], set()).add(int(event.extensions["sequence"]))
    sessions = dict.fromkeys(beat.session for beat in published.heartbeats() if beat.source == source)
    assert set(events) <= set(sessions), f"{source}: sessions without a heartbeat"
    return {session: _ledger(published, source, session, events.get(session, set())) for session in sessions}


def _ledger(published: Published, source: str, session: str, events: set[int]) -> EdgeLedger:
    told: Any = published.merged(source, session)
    where = f"{source}, session {session}"
    assert not told.unbalanced(), f"{where}: {told.unbalanced()} in no account, or in one without being captured"
    assert not told.spooled, f"{where}: {told.spooled} wait still"
    assert not told.in_flight, f"{where}: {told.in_flight} are on their way still"
    assert set(told.published) == events, f"{where}: called published {told.published}, in Kafka {sorted(events)}"
    captured = set(told.captured)
    holes = set(range(min(captured), max(captured) + 1)) - captured if captured else set()
    dropped = {reason.value: set(numbers) for reason, numbers in told.dropped.items()}
    return EdgeLedger(published=events, dropped=dropped, holes=holes)
