"""Frames of one camera, made for tests."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from connectors.captured import Captured
from wire.frame import Frame, FrameKind, Origin, PartReference
from wire.timestamps import ClockOrigin

LINE = "plant1.hall2.line3"
CAMERA = f"{LINE}/camera1"
START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def origin(sequence: int, *, session: str = "s1", source: str = CAMERA) -> Origin:
    return Origin(line=LINE, source=source, session=session, sequence=sequence)


def frame(
    sequence: int,
    *,
    payload: bytes = b"image",
    session: str = "s1",
    source: str = CAMERA,
    part_id: str | None = None,
) -> Frame:
    return Frame(
        origin=origin(sequence, session=session, source=source),
        kind=FrameKind.IMAGE,
        modality="rgb",
        captured_at=START + timedelta(seconds=sequence),
        clock=ClockOrigin.CAMERA,
        content_type="image/png",
        part=PartReference(part_id=part_id, trigger_session=None if part_id is None else "t-1"),
        payload=payload,
    )


def captured(
    sequence: int,
    *,
    payload: bytes = b"image",
    session: str = "s1",
    part_id: str | None = None,
    done: Callable[[], None] = lambda: None,
) -> Captured:
    return Captured.of_frame(frame(sequence, payload=payload, session=session, part_id=part_id), done)
