"""The ledger's figures, and how they add up (pure)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from storage.event_block import EventBlock
from storage.session_ledger import SessionLedger
from wire.ledger import SpoolState
from wire.sequence_set import SequenceSet


@dataclass(frozen=True, kw_only=True)
class LedgerFigures:
    """Distinct frames, counted.

    captured = published + spooled + in_flight + dropped, published = used + quarantined + late + waiting +
    lost_in_broker + unaccounted. ``unaccounted``: published, passed by inspect, and yet without any outcome.
    ``unbalanced``: captured and in no other set, or the reverse. ``gap``: numbers below the highest known that were
    never captured. Beside the sums: ``redelivered`` (deliveries beyond an event's first), ``unreadable`` (messages
    whose origin could not be read, by reason).
    """

    captured: int = 0
    published: int = 0
    spooled: int = 0
    in_flight: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    used: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    late: int = 0
    waiting: int = 0
    lost_in_broker: int = 0
    unaccounted: int = 0
    unbalanced: int = 0
    gap: int = 0
    redelivered: int = 0
    unreadable: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def sum(cls, parts: Iterable["LedgerFigures"]) -> "LedgerFigures":
        """Add figures of different frames."""
        totals: dict[str, Any] = asdict(cls())
        for part in parts:
            for name, value in asdict(part).items():
                if isinstance(value, dict):
                    totals[name] = dict(sorted((Counter(totals[name]) + Counter(value)).items()))
                else:
                    totals[name] += value
        return cls(**totals)

    @property
    def adds_up(self) -> bool:
        """Whether nothing is missing: every captured frame is somewhere, every published one has an outcome."""
        return self.unaccounted == 0 and self.unbalanced == 0


@dataclass(frozen=True, kw_only=True)
class SessionAccount:
    """One session of one source, as disjoint sets of sequence numbers."""

    session: str
    closed: bool
    spool: SpoolState | None
    captured: SequenceSet
    published: SequenceSet
    spooled: SequenceSet
    in_flight: SequenceSet
    dropped: Mapping[str, SequenceSet]
    used: SequenceSet
    quarantined: Mapping[str, SequenceSet]
    late: SequenceSet
    waiting: SequenceSet
    lost_in_broker: SequenceSet
    unaccounted: SequenceSet
    unbalanced: SequenceSet
    gaps: SequenceSet
    redelivered: int

    def figures(self) -> LedgerFigures:
        """The account counted."""
        return LedgerFigures(
            captured=len(self.captured),
            published=len(self.published),
            spooled=len(self.spooled),
            in_flight=len(self.in_flight),
            dropped=_counts(self.dropped),
            used=len(self.used),
            quarantined=_counts(self.quarantined),
            late=len(self.late),
            waiting=len(self.waiting),
            lost_in_broker=len(self.lost_in_broker),
            unaccounted=len(self.unaccounted),
            unbalanced=len(self.unbalanced),
            gap=len(self.gaps),
            redelivered=self.redelivered,
        )


@dataclass(frozen=True, kw_only=True)
class LostBudget:
    """How many messages of a partition the broker lost and no frame was found for yet. Counted down by ``take``."""

    remaining: dict[int, int]

    def take(self, partition: int | None, missing: SequenceSet) -> SequenceSet:
        """The part of ``missing`` that the losses explain: its lowest numbers, for a broker drops the oldest first."""
        available = 0 if partition is None else self.remaining.get(partition, 0)
        explained = first_of(missing, available)
        if partition is not None and explained:
            self.remaining[partition] = available - len(explained)
        return explained


def session_account(session: str, said: SessionLedger, known: EventBlock, losses: LostBudget) -> SessionAccount:
    """Balance what a source said against what became of its events (``known``: all blocks of the session, merged).

    An event with an outcome was captured and published, whatever the last heartbeat knew of it.
    """
    accounted = known.accounted()
    captured, published = said.captured.union(accounted), said.published.union(accounted)
    dropped, placed = {}, published
    for reason in sorted(said.dropped):
        dropped[reason] = said.dropped[reason].difference(placed)
        placed = placed.union(dropped[reason])
    spooled = said.spooled.difference(placed)
    placed = placed.union(spooled)
    in_flight = said.in_flight.difference(placed)
    placed = placed.union(in_flight)
    missing = said.settled.difference(accounted)
    lost = losses.take(said.partition, missing)
    return SessionAccount(
        session=session,
        closed=said.closed,
        spool=said.spool,
        captured=captured,
        published=published,
        spooled=spooled,
        in_flight=in_flight,
        dropped=dropped,
        used=known.used,
        quarantined=known.quarantined,
        late=known.late,
        waiting=said.published.difference(said.settled).difference(accounted),
        lost_in_broker=lost,
        unaccounted=missing.difference(lost),
        unbalanced=captured.difference(placed).union(placed.difference(captured)),
        gaps=captured.gaps(),
        redelivered=known.redelivered,
    )


def first_of(numbers: SequenceSet, count: int) -> SequenceSet:
    """The ``count`` lowest members (all of them if there are fewer)."""
    pairs = []
    for first, last in numbers.intervals():
        if count <= 0:
            break
        last = min(last, first + count - 1)
        count -= last - first + 1
        pairs.append((first, last))
    return SequenceSet.from_intervals(pairs)


def _counts(sets: Mapping[str, SequenceSet]) -> dict[str, int]:
    return {name: len(numbers) for name, numbers in sets.items() if numbers}
