"""Everything that an inspect worker finds when it starts: database, objects, broker, and a backlog to work off."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from connectors.claim_check import put_payload
from lineside.bench.known_lines import RECIPE, KnownLine
from storage.database import Database
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.migrate import migrate
from storage.objects import open_payload_store
from wire import topics
from wire.cloudevents import CloudEvent
from wire.errors import BrokerUnavailable, LinesideError, MustStop
from wire.event_sender import Acknowledgement
from wire.frame import RGB, Frame, FrameKind, Origin, PartReference, frame_to_event
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.lag import LagReader
from wire.kafka.reader import read_topic
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings
from wire.kafka.topics_admin import ensure_topics
from wire.line_state import StateActivated
from wire.part_context import PartContext, context_to_event
from wire.timestamps import ClockOrigin

# As `lineside up` has it.
_PARTITIONS: Final = 4
_SEND_S: Final = 120.0
_FULL_WAIT_S: Final = 0.05


class InspectSite:
    """Lines with an active state each, in an SQLite database and an object folder below ``folder``."""

    def __init__(self, folder: Path, lines: Sequence[KnownLine]) -> None:
        self._lines = lines
        self._objects = (folder / "objects").as_uri()
        self._database = f"sqlite:///{folder / 'inspect.db'}"
        self._payloads = open_payload_store(self._objects)
        migrate(self._database)
        database = Database(self._database)
        registry, states = LineRegistry(database), LineStateStore(database, self._payloads)
        for line in lines:
            registry.upsert(line.spec)
            states.add(line.state, parent=None, reason="learned", by="bench")
        database.close()

    def worker_settings(self, broker: KafkaSettings) -> dict[str, Any]:
        """The part of a worker's configuration that says where everything is."""
        return {
            "broker": broker.plain(),
            "database": self._database,
            "objects": self._objects,
            "recipe": RECIPE,
            "name": "bench-inspect",
        }

    def send_backlog(self, broker: KafkaSettings, parts: int) -> str:
        """Publish ``parts`` parts, the lines in turn: each a context and a picture. Returns their trigger session.

        In front of them each line's state is activated in band.
        """
        session = f"bench-{uuid4().hex[:12]}"
        # Nobody reads while this is written, so a publisher that waits for readers would wait for ever.
        with _Backlog(KafkaSettings(bootstrap=broker.bootstrap)) as backlog:
            for line in self._lines:
                backlog.send(line.line, _activation(line))
            for number in range(parts):
                line = self._lines[number % len(self._lines)]
                context, frame = _events(line, session, number)
                if len(frame.data) > broker.inline_limit_bytes:
                    frame = put_payload(frame, self._payloads)
                backlog.send(line.line, context)
                backlog.send(line.line, frame)
        return session

    def close(self) -> None:
        """Let go of the object store."""
        self._payloads.close()


class _Backlog:
    """Sends events and remembers whether the broker took all of them."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._sender = KafkaSender(settings, "bench-backlog")
        self._failure: LinesideError | None = None

    def send(self, line: str, event: CloudEvent) -> None:
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

    def __enter__(self) -> "_Backlog":
        return self

    def __exit__(self, *_: object) -> None:
        given_up = self._sender.close(_SEND_S)
        if given_up or self._failure is not None:
            raise MustStop(f"the backlog was not written: {given_up} events given up, {self._failure}")


@contextmanager
def inspect_broker(bootstrap: str | None) -> Iterator[KafkaSettings]:
    """The broker named, with the product's topics on it; None: an embedded one, fresh each time."""
    if bootstrap is not None:
        settings = KafkaSettings(bootstrap=bootstrap)
        ensure_topics(settings, _PARTITIONS)
        yield settings
        return
    with EmbeddedBroker(topics.with_dead_letters(), _PARTITIONS) as embedded:
        yield KafkaSettings(bootstrap=embedded.bootstrap, embedded=True)


class Finished:
    """Answers whether the inspect group has finished everything in the frames topic."""

    def __init__(self, broker: KafkaSettings) -> None:
        self._lags = LagReader(broker)

    def __call__(self) -> bool:
        """Whether nothing is left; False while the broker cannot tell."""
        try:
            of_group = self._lags.lags(topics.FRAMES, [topics.GROUP_INSPECT])[topics.GROUP_INSPECT]
        except BrokerUnavailable:
            return False
        return not any(lag.messages for lag in of_group)


def result_moments(broker: KafkaSettings, session: str) -> list[datetime]:
    """When the broker got each result of the parts of ``session``, ascending. MustStop if it keeps no times."""
    wanted = {"ce_type": topics.INSPECTION_RESULT.encode(), "ce_subject": f"{session}/".encode()}
    moments = []
    for record in read_topic(broker, topics.RESULTS):
        headers = dict(record.headers)
        subject = headers.get("ce_subject") or b""
        if headers.get("ce_type") == wanted["ce_type"] and subject.startswith(wanted["ce_subject"]):
            if record.timestamp is None:
                raise MustStop(f"{topics.RESULTS} keeps no times of its records")
            moments.append(record.timestamp)
    return sorted(moments)


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
