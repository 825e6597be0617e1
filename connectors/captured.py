"""One event of a source on its way to the publisher."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from wire.cloudevents import CloudEvent
from wire.frame import Frame, Origin, frame_to_event
from wire.part_context import PartContext, context_to_event


def _nothing() -> None:
    """Stand in where a source keeps nothing that could be let go."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Captured:
    """An event with its payload, and what its source does once the event can no longer be lost.

    ``done`` is called exactly once, from the publisher's thread, after Kafka acknowledged the event or the spool synced
    it to disk. Until then the source keeps its own copy where it can (a folder its files). It must not raise.
    """

    origin: Origin
    event: CloudEvent
    done: Callable[[], None] = field(default=_nothing)

    @classmethod
    def of_frame(cls, frame: Frame, done: Callable[[], None] = _nothing) -> Self:
        """Wrap a frame with its payload."""
        return cls(origin=frame.origin, event=frame_to_event(frame), done=done)

    @classmethod
    def of_context(cls, context: PartContext, done: Callable[[], None] = _nothing) -> Self:
        """Wrap a part context."""
        return cls(origin=context.origin, event=context_to_event(context), done=done)
