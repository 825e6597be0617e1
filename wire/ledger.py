"""The ledger's messages: what each source did with its frames, and what became of every event (DESIGN §3).

For each source: captured = published + spooled + in flight + dropped{reason}.
For each line, over distinct event ids: published = used + quarantined{reason} + late + waiting + lost in the broker.
Sets of sequence numbers travel instead of counters, so that merging the heartbeats of several runs of a connector, or
reading one twice, counts nothing twice.
"""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from wire import topics
from wire.cloudevents import CloudEvent
from wire.frame import Origin
from wire.json_message import Moment, Record, envelope
from wire.sequence_set import SequenceSet


def _to_set(value: Any) -> Any:
    if isinstance(value, SequenceSet):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a set of sequence numbers in text form")
    return SequenceSet.parse(value)


Sequences = Annotated[
    Any,  # a SequenceSet; pydantic has no schema for foreign mutable classes
    BeforeValidator(_to_set),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["0-41,43"]}),
]


class DropReason(StrEnum):
    """Why a source let a frame go before Kafka."""

    SPOOL_FULL = "spool_full"  # policy freshest: the oldest spooled frame made room
    SPOOL_EXPIRED = "spool_expired"  # policy freshest: it waited longer than spool.max_age_s
    UNREADABLE = "unreadable"  # a file or buffer that could not even be read, a header larger than Kafka takes
    INCOMPLETE = "incomplete"  # a file that was never completed, a picture whose packets did not all come


class SourceLedger(Record):
    """What one source did with its frames in one session, as sets of sequence numbers."""

    captured: Sequences
    published: Sequences
    spooled: Sequences
    in_flight: Sequences
    dropped: dict[DropReason, Sequences]

    def unbalanced(self) -> SequenceSet:
        """Captured frames in no other set, and frames in another set that were never captured. Empty = it adds up."""
        elsewhere: SequenceSet = self.published.union(self.spooled).union(self.in_flight)
        for numbers in self.dropped.values():
            elsewhere = elsewhere.union(numbers)
        return elsewhere.difference(self.captured).union(self.captured.difference(elsewhere))


class SpoolState(Record):
    """What lies in the spool that a connector's sources share, acknowledged events of unfinished files included."""

    size_bytes: int
    limit_bytes: int
    oldest_s: float  # how long the oldest event has waited, 0 if there is none


class HeartbeatStage(StrEnum):
    """How far a heartbeat has come.

    ``sent`` by the source; ``seen`` when inspect reads it; ``settled`` when inspect has passed it in order, which
    proves that every event published before it has its disposition in front of it.
    """

    SENT = "sent"
    SEEN = "seen"
    SETTLED = "settled"


class Heartbeat(Record):
    """A source's sign of life, every second, with its ledger; travels in band behind the frames it speaks of."""

    line: str
    source: str
    session: str
    sent_at: Moment
    stage: HeartbeatStage = HeartbeatStage.SENT
    partition: int | None = None  # filled in by inspect: the partition of lineside.frames it was read from
    closed: bool = False  # the source ends this session and will send no more
    ledger: SourceLedger
    spool: SpoolState | None = None  # None: an older connector

    def to_event(self) -> CloudEvent:
        """Wrap for Kafka."""
        return envelope(
            self,
            id=f"{self.source}/{self.session}/{self.sent_at.isoformat()}/{self.stage}",
            source=self.source,
            type=topics.HEARTBEAT,
            line=self.line,
            time=self.sent_at,
        )


class Outcome(StrEnum):
    """What became of one event. The order is the precedence when two deliveries of one event end differently."""

    USED = "used"
    QUARANTINED = "quarantined"
    LATE = "late"


class EventReference(Record):
    """One event by its origin."""

    event_id: UUID
    source: str
    session: str
    sequence: int
    modality: str | None = None  # None: a part context
    captured_at: Moment | None = None

    @classmethod
    def of(cls, origin: Origin, *, modality: str | None = None, captured_at: Moment | None = None) -> "EventReference":
        """Name the event of ``origin``."""
        return cls(
            event_id=origin.event_id,
            source=origin.source,
            session=origin.session,
            sequence=origin.sequence,
            modality=modality,
            captured_at=captured_at,
        )


class Disposition(Record):
    """What inspect did with an event that no result carries: quarantined with a reason, or late.

    Events used in a part need none: ``Inspection.events`` names them. ``event`` is None when not even the origin of a
    quarantined message could be read; then ``topic``, ``partition`` and ``offset`` name it.
    """

    line: str
    event: EventReference | None
    outcome: Outcome
    reason: str = ""
    topic: str
    partition: int
    offset: int
    decided_at: Moment

    def to_event(self) -> CloudEvent:
        """Wrap for Kafka."""
        where = f"{self.topic}/{self.partition}/{self.offset}"
        return envelope(
            self,
            id=f"disposition/{where}",
            source=where,
            type=topics.EVENT_DISPOSITION,
            line=self.line,
            time=self.decided_at,
        )


class BrokerLoss(Record):
    """Offsets that inspect could not read because the broker had already dropped them (retention, embedded broker)."""

    line: str  # the line whose event revealed the hole: the routing key
    topic: str
    partition: int
    first_offset: int
    last_offset: int
    noticed_at: Moment

    def to_event(self) -> CloudEvent:
        """Wrap for Kafka."""
        where = f"{self.topic}/{self.partition}/{self.first_offset}-{self.last_offset}"
        return envelope(
            self,
            id=f"loss/{where}",
            source=where,
            type=topics.BROKER_LOSS,
            line=self.line,
            time=self.noticed_at,
        )
