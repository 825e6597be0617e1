"""Parts that wait in Kafka for an inspect worker."""

import time
from datetime import UTC, datetime
from typing import Final, Self
from uuid import uuid4

from connectors.claim_check import put_payload
from lineside.bench.inspect_site import InspectSite
from lineside.bench.known_lines import KnownLine
from wire import topics
from wire.cloudevents import CloudEvent
from wire.errors import BrokerUnavailable, LinesideError, MustStop
from wire.event_sender import Acknowledgement
from wire.frame import RGB, Frame, FrameKind, Origin, PartReference, frame_to_event
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings
from wire.line_state import StateActivated
from wire.part_context import PartContext, context_to_event
from wire.timestamps import ClockOrigin

_SEND_S: Final = 120.0
_FULL_WAIT_S: Final = 0.05


def send_backlog(site: InspectSite, broker: KafkaSettings, parts: int) -> str:
    """Publish ``parts`` parts, the lines in turn: each a context and a picture. Returns their trigger session.

    In front of them each line's state is activated in band. MustStop if the broker does not take all of it.
    """
    session = f"bench-{uuid4().hex[:12]}"
    # Nobody reads while this is written: a sender that waits for readers (embedded broker) would wait for ever.
    with _Backlog(KafkaSettings(bootstrap=broker.bootstrap)) as backlog:
        for line in site.lines:
            backlog.send(line.line, _activation(line))
        for number in range(parts):
            line = site.lines[number % len(site.lines)]
            context, frame = _events(line, session, number)
            if len(frame.data) > broker.inline_limit_bytes:
                frame = put_payload(frame, site.payloads)
            backlog.send(line.line, context)
            backlog.send(line.line, frame)
    return session


class _Backlog:
    """Sends events and remembers whether the broker took all of them."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._sender = KafkaSender(settings, "bench-backlog")
        self._failure: LinesideError | None = None

    def send(self, line: str, event: CloudEvent) -> None:
        """Queue one event, as soon as there is room."""
        while True:
            try:
                self._sender.send(topics.FRAMES, line, event, self._delivered)
            except BrokerUnavailable:
                time.sleep(_FULL_WAIT_S)  # the producer's queue is full
            else:
                return

    def _delivered(self, outcome: Acknowledgement | LinesideError) -> None:
        if isinstance(outcome, LinesideError):
            self._failure = outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        given_up = self._sender.close(_SEND_S)
        if given_up or self._failure is not None:
            raise MustStop(f"the backlog was not written: {given_up} events given up, {self._failure}")


def _activation(line: KnownLine) -> CloudEvent:
    return StateActivated(
        line=line.line,
        version=1,
        digest=line.state.metadata.digest,
        activated_at=datetime.now(UTC),
        by="bench",
        reason="learned",
    ).to_event()


def _events(line: KnownLine, session: str, number: int) -> tuple[CloudEvent, CloudEvent]:
    now = datetime.now(UTC)
    part = PartReference(part_id=f"{session}/{number}", trigger_session=session, triggered_at=now)
    context = PartContext(
        origin=Origin(line=line.line, source=f"{line.line}/plc", session=session, sequence=number), part=part
    )
    frame = Frame(
        origin=Origin(line=line.line, source=f"{line.line}/camera1", session=session, sequence=number),
        kind=FrameKind.IMAGE,
        modality=RGB,
        captured_at=now,
        clock=ClockOrigin.CAMERA,
        content_type="image/jpeg",
        part=part,
        payload=line.picture(number),
    )
    return context_to_event(context), frame_to_event(frame)
