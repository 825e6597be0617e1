"""What the PLC says about a part: trigger, product, job, recipe, PackML state, valid at the trigger's time."""

from dataclasses import dataclass

from wire import topics
from wire.cloudevents import CloudEvent
from wire.errors import DecodeError
from wire.frame import Origin, PartReference, origin_of, part_extensions, part_from_extensions


@dataclass(frozen=True, kw_only=True)
class PartContext:
    """One part as the PLC saw it.

    ``origin.session`` is the PLC's trigger session, ``origin.sequence`` its part counter - 1.
    ``part.part_id``, ``part.trigger_session`` and ``part.triggered_at`` are always set.
    """

    origin: Origin
    part: PartReference


def context_to_event(context: PartContext) -> CloudEvent:
    """Write a context as a CloudEvent without data; its time is the trigger's."""
    if context.part.triggered_at is None or context.part.part_id is None or context.part.trigger_session is None:
        raise ValueError("a part context needs part_id, trigger_session and triggered_at")
    return CloudEvent(
        id=str(context.origin.event_id),
        source=context.origin.source,
        type=topics.PART_CONTEXT,
        time=context.part.triggered_at,
        subject=context.part.part_id,
        data=b"",
        extensions={**context.origin.extensions(), **part_extensions(context.part)},
    )


def context_from_event(event: CloudEvent) -> PartContext:
    """Read a context; DecodeError('header' | 'line_id' | 'timestamp') says what is wrong."""
    part = part_from_extensions(event.extensions)
    if part.part_id is None or part.trigger_session is None or part.triggered_at is None:
        raise DecodeError("header", "a part context needs ce_partid, ce_triggersession and ce_triggertime")
    return PartContext(origin=origin_of(event), part=part)
