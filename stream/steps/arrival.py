"""What a record of ``lineside.frames`` is: an event of a part, a heartbeat, an activation, or unreadable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stream.steps.consumed import ConsumedRecord
from stream.steps.content import Content
from wire import topics
from wire.cloudevents import CloudEvent, from_kafka
from wire.errors import DecodeError
from wire.frame import Claim, Frame, Origin, PartReference, frame_from_event, origin_of, part_from_extensions
from wire.identifiers import check_line_id
from wire.ledger import EventReference, Heartbeat
from wire.line_state import StateActivated
from wire.part_context import context_from_event

# A message whose line cannot be read still needs a line for its disposition.
UNKNOWN_LINE = "unknown.unknown.unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One event of a part: a frame with its content, a broken frame, or a part context (``modality`` None).

    Exactly one of ``content`` and ``failure`` is set for a frame, none for a context. ``payload`` is kept as evidence;
    one that lies in the object store already is named by ``claim`` instead.
    """

    record: ConsumedRecord
    origin: Origin
    modality: str | None
    captured_at: datetime
    part: PartReference
    content: Content | None = None
    failure: DecodeError | None = None
    payload: bytes | None = None
    claim: Claim | None = None
    content_type: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The line it belongs to."""
        return self.origin.line

    @property
    def offset(self) -> int:
        """Its place in the partition."""
        return self.record.offset

    @property
    def names_its_part(self) -> bool:
        """Whether this event alone says which part it shows: part id and life of the part counter."""
        return self.part.part_id is not None and self.part.trigger_session is not None

    @property
    def held_bytes(self) -> int:
        """Memory that this event keeps while it waits."""
        # The record's own value is the payload: the same object, counted once.
        return (self.content.nbytes if self.content else 0) + len(self.record.value or b"")

    def reference(self) -> EventReference:
        """The event as results and dispositions name it."""
        return EventReference.of(self.origin, modality=self.modality, captured_at=self.captured_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """A record that belongs to no part: its headers cannot be understood. ``event`` is set if its origin can."""

    record: ConsumedRecord
    line: str
    event: EventReference | None
    failure: DecodeError


@dataclass(frozen=True, kw_only=True, slots=True)
class HeartbeatArrival:
    """A source's heartbeat."""

    record: ConsumedRecord
    heartbeat: Heartbeat


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivationArrival:
    """From this record on, the line's product uses another state version."""

    record: ConsumedRecord
    activated: StateActivated


AnyArrival = Arrival | Unreadable | HeartbeatArrival | ActivationArrival


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingFrame:
    """A frame whose headers are understood and whose payload is not decoded yet."""

    record: ConsumedRecord
    frame: Frame


def line_of_key(key: bytes | None) -> str:
    """The line that a record's key names, UNKNOWN_LINE if it names none."""
    try:
        return check_line_id((key or b"").decode())
    except (UnicodeDecodeError, DecodeError):
        return UNKNOWN_LINE


def read_record(record: ConsumedRecord) -> AnyArrival | PendingFrame:
    """Understand a record of ``lineside.frames`` as far as its headers go. Never raises for bad input."""
    try:
        event = from_kafka(record.headers, record.value)
    except DecodeError as failure:
        return Unreadable(record=record, line=line_of_key(record.key), event=None, failure=failure)
    try:
        if event.type == topics.HEARTBEAT:
            return HeartbeatArrival(record=record, heartbeat=Heartbeat.from_json(event.data))
        if event.type == topics.STATE_ACTIVATED:
            return ActivationArrival(record=record, activated=StateActivated.from_json(event.data))
        if event.type == topics.PART_CONTEXT:
            context = context_from_event(event)
            return Arrival(
                record=record, origin=context.origin, modality=None, captured_at=event.time, part=context.part
            )
        return PendingFrame(record=record, frame=frame_from_event(event))
    except DecodeError as failure:
        return _salvage(record, event, failure)


def _salvage(record: ConsumedRecord, event: CloudEvent, failure: DecodeError) -> Arrival | Unreadable:
    """Keep what can be known of a broken event: a frame with readable headers still opens its part."""
    try:
        origin = origin_of(event)
    except DecodeError:
        return Unreadable(record=record, line=line_of_key(record.key), event=None, failure=failure)
    modality = event.extensions.get("modality")
    reference = EventReference.of(origin, modality=modality, captured_at=event.time)
    if not modality or event.type not in (topics.FRAME_IMAGE, topics.FRAME_POINTCLOUD, topics.FRAME_SENSOR):
        return Unreadable(record=record, line=origin.line, event=reference, failure=failure)
    try:
        part = part_from_extensions(event.extensions)
    except DecodeError:
        return Unreadable(record=record, line=origin.line, event=reference, failure=failure)
    return Arrival(record=record, origin=origin, modality=modality, captured_at=event.time, part=part, failure=failure)


def with_content(pending: PendingFrame, content: Content) -> Arrival:
    """The frame, decoded."""
    return _arrival(pending, content=content)


def with_failure(pending: PendingFrame, failure: DecodeError) -> Arrival:
    """The frame, found broken."""
    return _arrival(pending, failure=failure)


def _arrival(pending: PendingFrame, *, content: Content | None = None, failure: DecodeError | None = None) -> Arrival:
    frame = pending.frame
    return Arrival(
        record=pending.record,
        origin=frame.origin,
        modality=frame.modality,
        captured_at=frame.captured_at,
        part=frame.part,
        content=content,
        failure=failure,
        payload=frame.payload,
        claim=frame.claim,
        content_type=frame.content_type,
        attributes=frame.attributes,
    )
