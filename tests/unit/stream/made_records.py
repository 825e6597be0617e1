"""Records of ``lineside.frames`` as tests need them: small, deterministic, by name."""

from datetime import UTC, datetime, timedelta

import numpy as np

from stream.steps.arrival import AnyArrival, Arrival, PendingFrame, read_record, with_content, with_failure
from stream.steps.consumed import ConsumedRecord
from stream.steps.decode import decode_content
from wire import topics
from wire.cloudevents import CloudEvent, to_kafka
from wire.errors import DecodeError
from wire.frame import Frame, FrameKind, Origin, PartReference, frame_to_event
from wire.image_codec import encode_png
from wire.ledger import Heartbeat, SourceLedger
from wire.line_state import LineSpec, StateActivated
from wire.part_context import PartContext, context_to_event
from wire.sequence_set import SequenceSet
from wire.timestamps import ClockOrigin

LINE = "site.hall.line1"
BEGIN = datetime(2025, 3, 1, 12, tzinfo=UTC)
PNG = encode_png(np.arange(64, dtype=np.uint8).reshape(8, 8))
CAMERAS = {"rgb": f"{LINE}/camera1", "depth": f"{LINE}/depth1"}
SPEC = LineSpec(line=LINE, expected_modalities=("rgb", "depth"), join_window_s=2.0)


def part_reference(number: int, *, session: str = "plc-1", named: bool = True, line: str = LINE) -> PartReference:
    """Part ``number`` is triggered ``number`` seconds after BEGIN."""
    if not named:
        return PartReference()
    return PartReference(
        part_id=f"P{number}",
        trigger_session=session,
        triggered_at=BEGIN + timedelta(seconds=number),
        product="bolt",
        job="J7",
    )


def frame_event(
    number: int, modality: str = "rgb", *, payload: bytes = PNG, named: bool = True, line: str = LINE
) -> CloudEvent:
    """The frame of part ``number`` in one modality; its sequence number is the part's."""
    return frame_to_event(
        Frame(
            origin=Origin(line=line, source=f"{line}/{modality}1", session="s1", sequence=number),
            kind=FrameKind.IMAGE,
            modality=modality,
            captured_at=BEGIN + timedelta(seconds=number, milliseconds=10),
            clock=ClockOrigin.CAMERA,
            content_type="image/png",
            part=part_reference(number, named=named, line=line),
            payload=payload,
            attributes={"depthscale": "0.1"} if modality == "depth" else {},
        )
    )


def context_event(number: int, *, line: str = LINE, session: str = "plc-1") -> CloudEvent:
    """The PLC's word on part ``number``."""
    return context_to_event(
        PartContext(
            origin=Origin(line=line, source=f"{line}/plc", session=session, sequence=number),
            part=part_reference(number, session=session),
        )
    )


def heartbeat_event(
    published: str,
    *,
    spooled: str = "",
    line: str = LINE,
    source: str = f"{LINE}/rgb1",
    session: str = "s1",
    second: int = 0,
) -> CloudEvent:
    """A heartbeat of a source that published these sequence numbers, and holds ``spooled`` back."""
    numbers, waiting = SequenceSet.parse(published), SequenceSet.parse(spooled)
    return Heartbeat(
        line=line,
        source=source,
        session=session,
        sent_at=BEGIN + timedelta(seconds=second),
        ledger=SourceLedger(
            captured=numbers.union(waiting), published=numbers, spooled=waiting, in_flight=SequenceSet(), dropped={}
        ),
    ).to_event()


def activation_event(version: int, *, line: str = LINE, product: str = "bolt") -> CloudEvent:
    """From here on ``version``."""
    return StateActivated(
        line=line, product=product, version=version, digest="d" * 64, activated_at=BEGIN, by="engineer"
    ).to_event()


def record(
    event: CloudEvent,
    offset: int,
    *,
    broker_time_s: float | None = None,
    partition: int = 0,
    epoch: int = 1,
    topic: str = topics.FRAMES,
) -> ConsumedRecord:
    """The event as it comes from Kafka; broker time = 1 ms per offset unless told."""
    headers, value = to_kafka(event)
    return ConsumedRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        epoch=epoch,
        broker_time_s=offset / 1000 if broker_time_s is None else broker_time_s,
        key=event.extensions.get("lineid", LINE).encode(),
        value=value or None,
        headers=tuple(headers),
    )


def arrive(consumed: ConsumedRecord) -> AnyArrival:
    """Decode as the frame reader does, without an object store."""
    pending = read_record(consumed)
    if not isinstance(pending, PendingFrame):
        return pending
    frame = pending.frame
    try:
        content = decode_content(
            frame.kind,
            frame.modality,
            frame.payload or b"",
            content_type=frame.content_type,
            attributes=frame.attributes,
        )
    except DecodeError as failure:
        return with_failure(pending, failure)
    return with_content(pending, content)


def arrival(event: CloudEvent, offset: int, *, broker_time_s: float | None = None) -> Arrival:
    """An event of a part as the joiner takes it."""
    result = arrive(record(event, offset, broker_time_s=broker_time_s))
    assert isinstance(result, Arrival)
    return result
