"""A part while its events come in, and the same part once it is due."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from stream.steps.arrival import Arrival
from wire.frame import PartReference
from wire.identifiers import inspection_id
from wire.line_state import LineSpec


class DueReason(StrEnum):
    """Why a part stopped waiting."""

    COMPLETE = "complete"  # everything expected is there
    DEADLINE = "deadline"  # the watermark passed its first event by the join window
    MEMORY = "memory"  # held bytes exceeded their bound; the oldest part went first


@dataclass(eq=False, slots=True)
class OpenPart:
    """Events of one part in the order of their offsets. At most one per modality, and one context."""

    spec: LineSpec
    events: list[Arrival] = field(default_factory=list)

    @property
    def anchor(self) -> Arrival:
        """The event that opened the part: its offset decides which state version judges it."""
        return self.events[0]

    @property
    def part_id(self) -> str | None:
        """The part id, as soon as one event has named it."""
        return self._first("part_id")

    @property
    def trigger_session(self) -> str | None:
        """The life of the part counter, as soon as one event has named it."""
        return self._first("trigger_session")

    @property
    def shown_at(self) -> datetime:
        """The time to compare with events that carry no part id: the trigger's, else the anchor's capture."""
        return next((t for e in self.events if (t := e.part.triggered_at)), self.anchor.captured_at)

    @property
    def deadline_s(self) -> float:
        """The broker time at which it stops waiting."""
        return self.anchor.record.broker_time_s + self.spec.join_window_s

    @property
    def held_bytes(self) -> int:
        """Memory of its payloads and arrays."""
        return sum(event.held_bytes for event in self.events)

    @property
    def missing(self) -> set[str | None]:
        """What is expected and has not come; None: the context. A broken frame has come: it will not come again."""
        expected = {*self.spec.expected_modalities, *([None] if self.spec.expects_context else [])}
        return expected.difference(event.modality for event in self.events)

    @property
    def is_complete(self) -> bool:
        """Everything expected has come, the context included."""
        return not self.missing

    def slot(self, modality: str | None) -> Arrival | None:
        """The event that fills a modality (None: the context); a good frame before a broken one."""
        there = [event for event in self.events if event.modality == modality]
        return next((event for event in there if event.failure is None), there[0] if there else None)

    def _first(self, name: str) -> str | None:
        return next((value for event in self.events if (value := getattr(event.part, name)) is not None), None)


@dataclass(frozen=True, eq=False, slots=True)
class DuePart:
    """A part that waits no longer. Broken frames among its events are in quarantine already, and not judged."""

    spec: LineSpec
    events: tuple[Arrival, ...]
    reason: DueReason

    @property
    def anchor(self) -> Arrival:
        """The event that opened the part."""
        return self.events[0]

    @property
    def line(self) -> str:
        """The line it belongs to."""
        return self.spec.line

    @property
    def partition(self) -> int:
        """The partition of all of its events."""
        return self.anchor.record.partition

    @property
    def offsets(self) -> list[int]:
        """The offsets of its events."""
        return [event.offset for event in self.events]

    @property
    def names_itself(self) -> bool:
        """Whether each of its events alone leads to the same inspection id."""
        return all(event.names_its_part for event in self.events)

    @property
    def held_bytes(self) -> int:
        """Memory of its payloads and arrays."""
        return sum(event.held_bytes for event in self.events)

    @property
    def frames(self) -> Iterator[Arrival]:
        """The events that can be judged: good frames, one per modality."""
        return (event for event in self.events if event.content is not None)

    def reference(self) -> PartReference:
        """What the plant said about the part: the PLC's word first, then what the frames carry, in offset order."""
        said = sorted(self.events, key=lambda event: event.modality is not None)

        def first(name: str) -> str | None:
            return next((value for event in said if (value := getattr(event.part, name)) is not None), None)

        named = self._identity()
        return PartReference(
            part_id=named[1],
            trigger_session=named[0],
            triggered_at=next((t for event in said if (t := event.part.triggered_at)), None),
            product=first("product"),
            job=first("job"),
            recipe=first("recipe"),
            serial_number=first("serial_number"),
            packml_state=first("packml_state"),
            simulated=any(event.part.simulated for event in self.events),
        )

    def inspection_id(self) -> UUID:
        """uuid5 of line, trigger session and part id; without a part id, of the anchor event."""
        session, part = self._identity()
        return inspection_id(self.line, session, part)

    def _identity(self) -> tuple[str, str]:
        part_id = next((e.part.part_id for e in self.events if e.part.part_id is not None), None)
        if part_id is None:
            return self.anchor.origin.session, str(self.anchor.origin.event_id)
        session = next((e.part.trigger_session for e in self.events if e.part.trigger_session is not None), "")
        return session, part_id
