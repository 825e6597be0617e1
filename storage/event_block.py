"""What became of the events of one block of consecutive sequence numbers of one source's session."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wire.ledger import Outcome
from wire.sequence_set import SequenceSet

# A block's sets are rewritten with every batch that touches it. Twice as many numbers per block would double the worst
# case (every other frame late: 32 768 intervals, 200 kB per write); half as many would double the rows that reading the
# ledger goes through (at ten parts a second a source fills a block in two hours).
BLOCK_SIZE = 65_536


@dataclass(kw_only=True)
class EventBlock:
    """Disjoint sets: an event is in the one of its best outcome so far.

    Deliveries of an event beyond its first are counted in ``redelivered``. The order of recording does not matter.
    """

    used: SequenceSet = field(default_factory=SequenceSet)
    quarantined: dict[str, SequenceSet] = field(default_factory=dict)
    late: SequenceSet = field(default_factory=SequenceSet)
    redelivered: int = 0

    def record_used(self, sequences: Sequence[int]) -> None:
        """Note deliveries that were used, an event perhaps more than once. Used beats every other outcome."""
        numbers = _set_of(sequences)
        before = self.accounted()
        self.redelivered += len(sequences) - len(numbers.difference(before))
        self.used = self.used.union(numbers)
        if self.late:
            self.late = self.late.difference(numbers)
        self.quarantined = {reason: kept.difference(numbers) for reason, kept in self.quarantined.items()}

    def record_unused(self, sequence: int, outcome: Outcome, reason: str) -> bool:
        """Note one delivery that was quarantined or late; True if it is the event's first. Quarantined beats late.

        Of two quarantines the reason that sorts first stays, so that the order of arrival does not matter.
        """
        before = next((kept for kept, numbers in self.quarantined.items() if sequence in numbers), None)
        first = before is None and sequence not in self.used and sequence not in self.late
        self.redelivered += not first
        if outcome is Outcome.QUARANTINED and sequence not in self.used:
            self.late.discard(sequence)
            if before is not None:
                self.quarantined[before].discard(sequence)
                reason = min(before, reason)
            self.quarantined.setdefault(reason, SequenceSet()).add(sequence)
        elif first:
            self.late.add(sequence)
        return first

    def accounted(self) -> SequenceSet:
        """Every event that has an outcome."""
        result = self.used.union(self.late)
        for numbers in self.quarantined.values():
            result = result.union(numbers)
        return result

    def to_columns(self) -> dict[str, Any]:
        """The block as the table ``event_ledger`` keeps it."""
        return {
            "used": str(self.used),
            "quarantined": sets_to_json(self.quarantined),
            "late": str(self.late),
            "redelivered": self.redelivered,
        }

    @classmethod
    def from_columns(cls, row: Mapping[str, Any]) -> "EventBlock":
        """Read what ``to_columns`` wrote."""
        return cls(
            used=SequenceSet.parse(row["used"]),
            quarantined=sets_from_json(row["quarantined"]),
            late=SequenceSet.parse(row["late"]),
            redelivered=row["redelivered"],
        )


def _set_of(sequences: Sequence[int]) -> SequenceSet:
    distinct = set(sequences)
    if not distinct:
        return SequenceSet()
    first, last = min(distinct), max(distinct)
    # A line without holes is the rule: then one interval says it all.
    if len(distinct) == last - first + 1:
        return SequenceSet.from_intervals([(first, last)])
    return SequenceSet.from_intervals((number, number) for number in distinct)


def sets_to_json(sets: Mapping[str, SequenceSet]) -> str:
    """Sets by name as JSON text, empty ones left out."""
    return json.dumps({name: str(sets[name]) for name in sorted(sets) if sets[name]}, ensure_ascii=False)


def sets_from_json(text: str) -> dict[str, SequenceSet]:
    """Read what ``sets_to_json`` wrote."""
    return {name: SequenceSet.parse(numbers) for name, numbers in json.loads(text).items()}
