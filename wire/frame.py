"""One captured frame on its way through Kafka: image, point cloud or sensor window (DESIGN §2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from wire import topics
from wire.cloudevents import CloudEvent, is_extension_name
from wire.errors import DecodeError
from wire.identifiers import check_line_id, event_id
from wire.sequence_set import SEQUENCE
from wire.timestamps import ClockOrigin, from_rfc3339, to_rfc3339

# Modalities are open (a plant may add "ultraviolet"); these names are the ones the product itself knows.
RGB: Final = "rgb"
INFRARED: Final = "infrared"
DEPTH: Final = "depth"
POINTCLOUD: Final = "pointcloud"
SENSOR: Final = "sensor"


class FrameKind(StrEnum):
    """What a payload is; the CloudEvents type says it on the wire."""

    IMAGE = topics.FRAME_IMAGE
    POINTCLOUD = topics.FRAME_POINTCLOUD
    SENSOR = topics.FRAME_SENSOR


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Where a payload lies that was too large to travel inline (CloudEvents ``dataref``)."""

    ref: str
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who captured an event, as which one: the ledger's key.

    ``session`` names one life of the device's counter; ``sequence`` starts at 0 in each session and never wraps, so a
    missing number is a frame that never arrived.
    """

    line: str
    source: str
    session: str
    sequence: int

    @property
    def event_id(self) -> UUID:
        """uuid5(source, session, sequence)."""
        return event_id(self.source, self.session, self.sequence)

    def extensions(self) -> dict[str, str]:
        """The CloudEvents extensions that carry this origin."""
        return {"lineid": self.line, "sessionid": self.session, "sequence": str(self.sequence)}


# The PackML state in which a machine makes parts as it should.
EXECUTE: Final = "Execute"


@dataclass(frozen=True, kw_only=True)
class PartReference:
    """What the plant said about the part at the moment of capture; None = not known there.

    ``trigger_session`` names one life of the PLC's part counter: a counter which restarts overwrites no history.
    """

    part_id: str | None = None
    trigger_session: str | None = None
    triggered_at: datetime | None = None
    product: str | None = None
    job: str | None = None
    recipe: str | None = None
    serial_number: str | None = None
    packml_state: str | None = None
    simulated: bool = False

    @property
    def outside_execute(self) -> bool:
        """Whether the machine was known to be in another PackML state than Execute."""
        return self.packml_state not in (None, "", EXECUTE)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A frame with its payload as the device made it, or with the claim on it.

    Exactly one of ``payload`` and ``claim`` is set. ``attributes`` hold what a reader needs to understand the payload
    (``depthscale`` in mm per count, ``intrinsics`` as ``fx,fy,cx,cy`` in px, ``bitdepth``, ``opcuastatus``, ...); the
    names are CloudEvents extension names.
    """

    origin: Origin
    kind: FrameKind
    modality: str
    captured_at: datetime
    clock: ClockOrigin
    content_type: str
    part: PartReference = field(default_factory=PartReference)
    payload: bytes | None = None
    claim: Claim | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    traceparent: str | None = None

    def __post_init__(self) -> None:
        if (self.payload is None) == (self.claim is None):
            raise ValueError("a frame has either a payload or a claim on one")

    @property
    def event_id(self) -> UUID:
        """The deterministic id of this event."""
        return self.origin.event_id


# Extension names of the optional part fields; the rest of the code never spells a header.
_PART_TEXT = {
    "part_id": "partid",
    "trigger_session": "triggersession",
    "product": "productid",
    "job": "jobid",
    "recipe": "recipeid",
    "serial_number": "serialnumber",
    "packml_state": "packmlstate",
}
_OWN = frozenset({
    *_PART_TEXT.values(), "lineid", "sessionid", "sequence", "modality", "timesource", "triggertime", "simulated",
    "dataref", "datasha256", "datasize",
})  # fmt: skip


def check_attribute_names(names: Iterable[str]) -> None:
    """ValueError names those that no frame attribute may have: no extension names, or taken by the frame itself."""
    wrong = [name for name in names if name in _OWN or not is_extension_name(name)]
    if wrong:
        raise ValueError(f"{', '.join(map(repr, wrong))}: lower-case letters and digits, and no name of a frame's own")


def part_extensions(part: PartReference) -> dict[str, str]:
    """The CloudEvents extensions that carry ``part``; fields that are None are left out."""
    extensions = {name: value for key, name in _PART_TEXT.items() if (value := getattr(part, key)) is not None}
    if part.triggered_at is not None:
        extensions["triggertime"] = to_rfc3339(part.triggered_at)
    if part.simulated:
        extensions["simulated"] = "true"
    return extensions


def part_from_extensions(extensions: Mapping[str, str]) -> PartReference:
    """Read back what ``part_extensions`` wrote; DecodeError('timestamp') on an unreadable trigger time."""
    triggered = extensions.get("triggertime")
    return PartReference(
        **{key: extensions.get(name) for key, name in _PART_TEXT.items()},
        triggered_at=None if triggered is None else from_rfc3339(triggered),
        simulated=extensions.get("simulated") == "true",
    )


def origin_of(event: CloudEvent) -> Origin:
    """Read who captured an event; DecodeError('header' | 'line_id') when a field is missing or wrong."""
    extensions = event.extensions
    missing = [f"ce_{name}" for name in ("lineid", "sessionid", "sequence") if not extensions.get(name)]
    if missing:
        raise DecodeError("header", f"missing {', '.join(missing)}")
    if not SEQUENCE.match(extensions["sequence"]):
        raise DecodeError("header", f"ce_sequence is {extensions['sequence']!r}, expected a non-negative integer")
    return Origin(
        line=check_line_id(extensions["lineid"]),
        source=event.source,
        session=extensions["sessionid"],
        sequence=int(extensions["sequence"]),
    )


def frame_to_event(frame: Frame) -> CloudEvent:
    """Write a frame as a CloudEvent whose data is the payload as it came."""
    extensions = {
        **frame.attributes,
        **frame.origin.extensions(),
        **part_extensions(frame.part),
        "modality": frame.modality,
        "timesource": frame.clock.value,
    }
    if frame.claim is not None:
        extensions |= {
            "dataref": frame.claim.ref,
            "datasha256": frame.claim.sha256,
            "datasize": str(frame.claim.size),
        }
    return CloudEvent(
        id=str(frame.event_id),
        source=frame.origin.source,
        type=frame.kind.value,
        time=frame.captured_at,
        subject=frame.part.part_id,
        content_type=frame.content_type,
        data=frame.payload or b"",
        extensions=extensions,
        traceparent=frame.traceparent,
    )


def frame_from_event(event: CloudEvent) -> Frame:
    """Read a frame; DecodeError('header' | 'line_id' | 'timestamp' | 'empty') says what is wrong with it."""
    origin = origin_of(event)
    extensions = event.extensions
    try:
        kind = FrameKind(event.type)
    except ValueError as error:
        raise DecodeError("header", f"ce_type {event.type!r} is not a frame") from error
    if not extensions.get("modality"):
        raise DecodeError("header", "missing ce_modality")
    try:
        clock = ClockOrigin(extensions.get("timesource", ClockOrigin.HOST))
    except ValueError as error:
        raise DecodeError("header", f"ce_timesource {extensions['timesource']!r} is not a known clock") from error
    claim = None
    if "dataref" in extensions:
        size = extensions.get("datasize", "")
        if not SEQUENCE.match(size) or not extensions.get("datasha256"):
            raise DecodeError("header", "ce_dataref without a valid ce_datasize and ce_datasha256")
        claim = Claim(ref=extensions["dataref"], sha256=extensions["datasha256"], size=int(size))
    elif not event.data:
        raise DecodeError("empty", "no payload and no ce_dataref")
    return Frame(
        origin=origin,
        kind=kind,
        modality=extensions["modality"],
        captured_at=event.time,
        clock=clock,
        content_type=event.content_type or "application/octet-stream",
        part=part_from_extensions(extensions),
        payload=None if claim else event.data,
        claim=claim,
        attributes={name: value for name, value in extensions.items() if name not in _OWN},
        traceparent=event.traceparent,
    )
