"""What one source said about its frames in one session, merged over all its heartbeats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from storage.event_block import sets_from_json, sets_to_json
from wire.ledger import Heartbeat, HeartbeatStage, SpoolState
from wire.sequence_set import SequenceSet

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(kw_only=True)
class SessionLedger:
    """Sets that only grow are united over heartbeats; what a source still holds is as the newest heartbeat says.

    ``settled``: what heartbeats called published by the time inspect had passed them in order.
    """

    captured: SequenceSet = field(default_factory=SequenceSet)
    published: SequenceSet = field(default_factory=SequenceSet)
    settled: SequenceSet = field(default_factory=SequenceSet)
    spooled: SequenceSet = field(default_factory=SequenceSet)
    in_flight: SequenceSet = field(default_factory=SequenceSet)
    dropped: dict[str, SequenceSet] = field(default_factory=dict)
    sent_at: datetime = _NEVER
    partition: int | None = None
    closed: bool = False
    spool: SpoolState | None = None

    def merge(self, heartbeat: Heartbeat) -> None:
        """Take in one heartbeat; in any order, any number of times."""
        said = heartbeat.ledger
        self.captured = self.captured.union(said.captured)
        self.published = self.published.union(said.published)
        if heartbeat.stage is HeartbeatStage.SETTLED:
            self.settled = self.settled.union(said.published)
        for reason, numbers in said.dropped.items():
            self.dropped[reason.value] = self.dropped.get(reason.value, SequenceSet()).union(numbers)
        if heartbeat.sent_at >= self.sent_at:
            self.sent_at = heartbeat.sent_at
            self.spooled, self.in_flight = said.spooled, said.in_flight
            self.closed = heartbeat.closed
            self.spool = heartbeat.spool
            if heartbeat.partition is not None:
                self.partition = heartbeat.partition

    def to_columns(self) -> dict[str, Any]:
        """The ledger as the table ``source_ledger`` keeps it."""
        return {
            "captured": str(self.captured),
            "published": str(self.published),
            "settled": str(self.settled),
            "spooled": str(self.spooled),
            "in_flight": str(self.in_flight),
            "dropped": sets_to_json(self.dropped),
            "sent_at": self.sent_at,
            "partition": self.partition,
            "closed": self.closed,
            "spool": None if self.spool is None else self.spool.to_json().decode(),
        }

    @classmethod
    def from_columns(cls, row: Mapping[str, Any]) -> "SessionLedger":
        """Read what ``to_columns`` wrote."""
        return cls(
            **{name: SequenceSet.parse(row[name]) for name in _SETS},
            dropped=sets_from_json(row["dropped"]),
            sent_at=row["sent_at"],
            partition=row["partition"],
            closed=row["closed"],
            spool=None if row["spool"] is None else SpoolState.from_json(row["spool"]),
        )


_SETS = ("captured", "published", "settled", "spooled", "in_flight")
