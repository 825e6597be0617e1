"""Joins the events of one partition into parts: by part id, else by time within a window."""

import heapq
from collections import OrderedDict, defaultdict
from collections.abc import Hashable
from datetime import timedelta
from enum import StrEnum
from itertools import count
from typing import Any

from stream.steps.arrival import Arrival
from stream.steps.backlog import Backlogs, Debt
from stream.steps.open_part import DuePart, DueReason, OpenPart
from wire.ledger import Heartbeat
from wire.line_state import LineSpec

# Finished events and parts that are remembered per partition, about 150 bytes each. More: a worker with many partitions
# spends its memory on the past. Fewer: a redelivery that comes later is inspected again, which costs time and changes
# no row. 4096 events are some minutes of a fast line, while a connector that restarts repeats some seconds.
REMEMBERED = 4096
# How long beyond its deadline a part waits for a spool that drains. Larger: a camera whose object store stays away
# keeps its parts, and every acknowledgement behind them, for as long. Smaller: what an outage spooled comes too late.
BACKLOG_S = 60.0
# How often overdue parts are looked at when no heartbeat gives a reason: a source that falls silent gives none.
_LOOK_EVERY_S = 1.0


class Placement(StrEnum):
    """What became of an offered event."""

    HELD = "held"  # it waits in its part
    DUPLICATE = "duplicate"  # the same event is held, or was finished lately
    LATE = "late"  # its part was finished without it
    SURPLUS = "surplus"  # its part has another event of this modality already
    BROKEN = "broken"  # a broken frame whose part is finished, or has a good frame: nothing left but to quarantine it


class Memory:
    """A set that forgets its oldest members."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._members: OrderedDict[Hashable, None] = OrderedDict()

    def add(self, member: Hashable) -> None:
        """Remember ``member``, forgetting the oldest beyond the limit."""
        self._members[member] = None
        if len(self._members) > self._limit:
            self._members.popitem(last=False)

    def __contains__(self, member: Hashable) -> bool:
        return member in self._members


class Joiner:
    """Open parts of one partition. Offer events in the order of their offsets, and call ``due`` before each offer.

    An event that names its part (part id and trigger session) leads to the same inspection whatever else is known: when
    it comes after its part was finished, it is late. One that does not is never late: it opens a part of its own.

    A part whose deadline has come waits on, ``backlog_s`` at most, while a source that may bring what it misses says in
    its heartbeats that it holds frames back.
    """

    def __init__(self, *, remembered: int = REMEMBERED, backlog_s: float = BACKLOG_S) -> None:
        self._parts: dict[int, OpenPart] = {}  # in the order of their anchors
        self._numbers = count()
        self._deadlines: list[tuple[float, int]] = []
        self._complete: list[int] = []
        self._by_part_id: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        self._by_line: defaultdict[str, set[int]] = defaultdict(set)
        self._unnamed: defaultdict[str, set[int]] = defaultdict(set)  # by line: parts whose id nobody has said yet
        self._held_events: set[int] = set()
        self._finished_events = Memory(remembered)
        self._finished_parts = Memory(remembered)
        self._held_bytes = 0
        self._backlogs = Backlogs()
        self._backlog_s = backlog_s
        self._overdue: dict[int, Debt] = {}  # parts beyond their deadline, and what each of them waits for
        self._look_at_s = float("-inf")

    @property
    def held_bytes(self) -> int:
        """Memory of every open part's payloads and arrays."""
        return self._held_bytes

    @property
    def open_parts(self) -> int:
        """How many parts wait."""
        return len(self._parts)

    @property
    def oldest_s(self) -> float:
        """Broker time of the oldest open part's first event; infinity if none is open."""
        return next((part.anchor.record.broker_time_s for part in self._parts.values()), float("inf"))

    def offer(self, arrival: Arrival, spec: LineSpec) -> Placement:
        """Place one event. HELD means that its offset is finished with its part; everything else is the caller's."""
        event_id = arrival.origin.event_id.int
        if event_id in self._held_events or event_id in self._finished_events:
            return Placement.DUPLICATE
        number = self._find_named(arrival)
        if number is None and arrival.names_its_part and _name(arrival) in self._finished_parts:
            return self._refuse(arrival, Placement.LATE)
        if number is None:
            number = self._find_near(arrival, spec)
        if number is None:
            number = next(self._numbers)
            self._parts[number] = OpenPart(spec)
        else:
            other = self._parts[number].slot(arrival.modality)
            if other is not None and (arrival.failure is not None or other.failure is None):
                return self._refuse(arrival, Placement.SURPLUS)
        self._hold(number, arrival)
        return Placement.HELD

    def hear(self, heartbeat: Heartbeat, broker_time_s: float) -> None:
        """Learn what a source still holds back; call it before ``due`` of the same record."""
        self._backlogs.hear(heartbeat, broker_time_s)
        self._look_at_s = float("-inf")

    def due(self, watermark_s: float) -> list[DuePart]:
        """Parts that are complete, then those whose deadline the watermark has reached, oldest deadline first.

        Not among the latter: parts that wait for a source's backlog.
        """
        complete, self._complete = self._complete, []
        due = [self._close(number, DueReason.COMPLETE) for number in complete if number in self._parts]
        if self._overdue and watermark_s >= self._look_at_s:
            self._look_at_s = watermark_s + _LOOK_EVERY_S
            due += [
                self._close(number, DueReason.DEADLINE)
                for number in list(self._overdue)
                if not self._waits_on(number, watermark_s)
            ]
        while self._deadlines and self._deadlines[0][0] <= watermark_s:
            _, number = heapq.heappop(self._deadlines)
            if number in self._parts and not self._waits_on(number, watermark_s):
                due.append(self._close(number, DueReason.DEADLINE))
        return due

    def _waits_on(self, number: int, watermark_s: float) -> bool:
        """Whether a part beyond its deadline is still owed something; remembers what."""
        part = self._parts[number]
        if watermark_s >= part.deadline_s + self._backlog_s:
            return False
        if number in self._overdue:
            debt = self._backlogs.remaining(self._overdue[number], number, part.missing, watermark_s)
        else:
            debt = self._backlogs.debt(part.spec.line, number, part.missing, watermark_s)
        if debt:
            self._overdue[number] = debt
        return bool(debt)

    def force_oldest(self) -> DuePart | None:
        """Give up waiting for the oldest open part; None if none is open."""
        number = next(iter(self._parts), None)
        return None if number is None else self._close(number, DueReason.MEMORY)

    def _refuse(self, arrival: Arrival, placement: Placement) -> Placement:
        self._finished_events.add(arrival.origin.event_id.int)
        return Placement.BROKEN if arrival.failure is not None else placement

    def _hold(self, number: int, arrival: Arrival) -> None:
        part = self._parts[number]
        was_complete = bool(part.events) and part.is_complete
        part.events.append(arrival)
        if len(part.events) == 1:
            heapq.heappush(self._deadlines, (part.deadline_s, number))
            self._by_line[arrival.line].add(number)
        if part.part_id is None:
            self._unnamed[arrival.line].add(number)
        else:
            self._unnamed[arrival.line].discard(number)
            self._by_part_id[arrival.line, part.part_id].add(number)
        self._held_events.add(arrival.origin.event_id.int)
        self._held_bytes += arrival.held_bytes
        reached = number if arrival.names_its_part else None
        self._backlogs.delivered(arrival.origin.source, arrival.modality, reached)
        if not was_complete and part.is_complete:
            self._complete.append(number)

    def _close(self, number: int, reason: DueReason) -> DuePart:
        part = self._parts.pop(number)
        self._overdue.pop(number, None)
        line = part.spec.line
        for index, key in ((self._by_line, line), (self._unnamed, line), (self._by_part_id, (line, part.part_id))):
            _discard(index, key, number)
        for event in part.events:
            event_id = event.origin.event_id.int
            self._held_events.discard(event_id)
            self._finished_events.add(event_id)
            if event.names_its_part:
                self._finished_parts.add(_name(event))
        self._held_bytes -= part.held_bytes
        return DuePart(spec=part.spec, events=tuple(part.events), reason=reason)

    def _find_named(self, arrival: Arrival) -> int | None:
        """The open part with this event's part id, unless it belongs to another life of the part counter."""
        if arrival.part.part_id is None:
            return None
        session = arrival.part.trigger_session
        for number in sorted(self._by_part_id.get((arrival.line, arrival.part.part_id), ()), reverse=True):
            if None in (session, self._parts[number].trigger_session) or session == self._parts[number].trigger_session:
                return number
        return None

    def _find_near(self, arrival: Arrival, spec: LineSpec) -> int | None:
        """The open part nearest in time that has room; an event with a part id looks among parts without one."""
        index = self._by_line if arrival.part.part_id is None else self._unnamed
        shown_at = arrival.part.triggered_at or arrival.captured_at
        window = timedelta(seconds=spec.match_window_s)
        near = (
            (apart, number)
            for number in index.get(arrival.line, ())
            if (apart := abs(self._parts[number].shown_at - shown_at)) <= window
            and self._parts[number].slot(arrival.modality) is None
        )
        return min(near, default=(None, None))[1]


def _name(arrival: Arrival) -> Hashable:
    return (arrival.line, arrival.part.trigger_session, arrival.part.part_id)


def _discard(index: dict[Any, set[int]], key: Any, number: int) -> None:
    """Remove a number from an index, and the key with its last number."""
    numbers = index.get(key)
    if numbers is not None:
        numbers.discard(number)
        if not numbers:
            del index[key]
