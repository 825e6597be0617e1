"""From tag values to events: one part context and one sensor window per increment of the part counter.

Pure: no network, no clock. Times of values are the PLC's; ``now_s`` is the host's monotonic clock, which only decides
how long is waited for values that may still come.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.opcua.packml import packml_state
from connectors.opcua.plc_clock import PlcClock
from connectors.opcua.settings import OpcUaSettings
from connectors.opcua.tag_history import Moment, Sample, TagHistory
from connectors.opcua.tag_text import tag_text
from wire.frame import SENSOR, Frame, FrameKind, Origin, PartReference
from wire.part_context import PartContext
from wire.sensor_window import SensorChannel, SensorWindow
from wire.sequence_set import SequenceSet
from wire.timestamps import ClockOrigin

# Parts whose contexts a PLC may still repeat belong to its present life or the one before; one more costs nothing.
_SESSIONS_REMEMBERED: Final = 4
# A sequence has 18 digits at most on the wire; infinity is no count at all.
_LARGEST_COUNTER: Final = 10**18
# Values are kept this long beyond what a window needs: a trigger may be published later than the values around it.
_HISTORY_MARGIN_S: Final = 10.0
# How often old values are let go: a second's values more in memory, against a pass over all tags at every look.
_FORGET_EVERY_S: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Unusable:
    """A part whose context cannot be told; ``origin`` is None where not even its number can."""

    origin: Origin | None
    message: str


@dataclass(kw_only=True)
class Due:
    """What has become complete."""

    contexts: list[PartContext] = field(default_factory=list)
    windows: list[Frame] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class _Trigger:
    counter: int
    at: datetime
    life: int  # of the PLC's clock
    received_s: float
    part: PartReference | None = None  # known once the context is settled

    def moment(self, after_s: float = 0.0) -> Moment:
        """The trigger's time, or so much later."""
        return (self.life, self.at + timedelta(seconds=after_s))


class PlcMapping:
    """Collects the values of one PLC and says which parts' events are complete.

    A part counter that comes again (after a reconnect, or a restart of the server) gives its events once. A counter
    that jumps leaves a hole in the sequence, which the ledger names.
    """

    def __init__(self, settings: OpcUaSettings) -> None:
        self._line = settings.line
        self._source = settings.source_name
        self._window = settings.window
        self._settle_s = settings.settle_s
        self._sensors = settings.sensors
        self._clock = PlcClock(settle_s=settings.slowest_settle_s)
        self._context = {name: TagHistory() for name in settings.context.paths()}
        self._channels = {sensor.name: TagHistory() for sensor in settings.sensors}
        self._triggers: list[_Trigger] = []
        self._told: dict[str, SequenceSet] = {}
        self._forget_at_s = float("-inf")

    def context_value(self, tag: str, sample: Sample, *, now_s: float) -> None:
        """Take a value of a context tag, ``part_counter`` among them."""
        sample = self._in_its_life(tag, sample, now_s)
        self._context[tag].add(sample)
        if tag == "part_counter" and sample.is_usable and _counts_a_part(sample.value):
            trigger = _Trigger(counter=int(sample.value), at=sample.at, life=sample.life, received_s=now_s)
            self._triggers.append(trigger)

    def sensor_value(self, channel: str, sample: Sample, *, now_s: float) -> None:
        """Take a value of a sensor."""
        self._channels[channel].add(self._in_its_life(f"sensor {channel}", sample, now_s))

    def _in_its_life(self, tag: str, sample: Sample, now_s: float) -> Sample:
        life = self._clock.life_of(tag, sample.at, now_s)
        return replace(sample, life=life) if life else sample

    def link_lost(self, channels: Iterable[str] | None = None) -> None:
        """The subscription was interrupted: values of these sensors (None: all) may be missing until the next one."""
        for name in self._channels if channels is None else channels:
            self._channels[name].mark_gap()

    def due(self, now_s: float, *, ending: bool = False) -> Due:
        """What is complete by now. ``ending``: nothing more will come, so everything is due as it is."""
        due = Due()
        waiting: list[_Trigger] = []
        for trigger in self._triggers:
            waited_s = now_s - trigger.received_s
            if trigger.part is None:
                if not ending and waited_s < self._settle_s:
                    waiting.append(trigger)
                    continue
                if not self._settle(trigger, due):
                    continue
            if self._sensors and not self._tell_window(trigger, waited_s, due, ending=ending):
                waiting.append(trigger)
        self._triggers = waiting
        if now_s >= self._forget_at_s:
            self._forget_at_s = now_s + _FORGET_EVERY_S
            self._forget()
        return due

    def _settle(self, trigger: _Trigger, due: Due) -> bool:
        """Read the context that held at the trigger; False if the part is told already or cannot be told."""
        moment = trigger.moment()
        session = self._text("trigger_session", moment)
        if session is None:
            due.unusable.append(
                Unusable(origin=None, message=f"part counter {trigger.counter}: no trigger session held at its time")
            )
            return False
        told = self._told.setdefault(session, SequenceSet())
        if not told.add(trigger.counter - 1):
            return False
        while len(self._told) > _SESSIONS_REMEMBERED:
            del self._told[next(iter(self._told))]
        state = self._text("packml_state", moment)
        trigger.part = PartReference(
            part_id=self._text("part_id", moment),
            trigger_session=session,
            triggered_at=trigger.at,
            product=self._text("product", moment),
            job=self._text("job", moment),
            recipe=self._text("recipe", moment),
            serial_number=self._text("serial_number", moment),
            packml_state=None if state is None else packml_state(state),
        )
        origin = self._origin(self._source, session, trigger.counter)
        if trigger.part.part_id is None:
            due.unusable.append(
                Unusable(origin=origin, message=f"part counter {trigger.counter}: no part id held at its time")
            )
        else:
            due.contexts.append(PartContext(origin=origin, part=trigger.part))
        return True

    def _text(self, tag: str, moment: Moment) -> str | None:
        history = self._context.get(tag)
        sample = history.valid_at(moment) if history is not None else None
        return tag_text(sample.value) if sample is not None and sample.is_usable else None

    def _origin(self, source: str, session: str, counter: int) -> Origin:
        return Origin(line=self._line, source=source, session=session, sequence=counter - 1)

    def _tell_window(self, trigger: _Trigger, waited_s: float, due: Due, *, ending: bool) -> bool:
        """Add the window if it is complete; whether it was."""
        end = trigger.moment(self._window.after_s)
        reached = all(
            history.latest is not None and history.latest.moment >= end for history in self._channels.values()
        )
        if not (reached or ending or waited_s >= self._window.after_s + self._window.grace_s):
            return False
        due.windows.append(self._frame(trigger, end, cut_off=ending and not reached))
        return True

    def _frame(self, trigger: _Trigger, end: Moment, *, cut_off: bool) -> Frame:
        start = trigger.moment(-self._window.before_s)
        window = SensorWindow(
            triggered_at=trigger.at,
            before_s=self._window.before_s,
            after_s=self._window.after_s,
            channels=tuple(self._channel(sensor.name, sensor.unit, trigger.at, start, end) for sensor in self._sensors),
            has_gap=cut_off or any(history.has_gap(start, end) for history in self._channels.values()),
        )
        part = trigger.part or PartReference()
        return Frame(
            origin=self._origin(f"{self._source}/sensors", part.trigger_session or "", trigger.counter),
            kind=FrameKind.SENSOR,
            modality=SENSOR,
            captured_at=trigger.at,
            clock=ClockOrigin.PLC,
            content_type="application/json",
            part=part,
            payload=window.to_json(),
            attributes=_worst_status(window),
        )

    def _channel(self, name: str, unit: str, at: datetime, start: Moment, end: Moment) -> SensorChannel:
        samples = self._channels[name].between(start, end)
        return SensorChannel(
            name=name,
            unit=unit,
            times_s=tuple((sample.at - at).total_seconds() for sample in samples),
            values=tuple(_number(sample.value) for sample in samples),
            statuses=tuple(sample.status for sample in samples),
            server_times_s=tuple(_seconds(sample.server_at, at) for sample in samples),
        )

    def _forget(self) -> None:
        window_s = self._window.before_s + self._window.after_s + self._window.grace_s + _HISTORY_MARGIN_S
        for histories in (self._context, self._channels):
            newest = max((one.latest.moment for one in histories.values() if one.latest is not None), default=None)
            if newest is None:
                continue
            life, at = min([newest, *(trigger.moment() for trigger in self._triggers)])
            for history in histories.values():
                history.forget_before((life, at - timedelta(seconds=window_s)))


def _counts_a_part(value: Any) -> bool:
    """Whether a value of the part counter is one; 0: the PLC has not counted a part in this session yet."""
    return isinstance(value, int | float) and 1 <= value <= _LARGEST_COUNTER


def _seconds(moment: datetime | None, since: datetime) -> float:
    return float("nan") if moment is None else (moment - since).total_seconds()


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _worst_status(window: SensorWindow) -> Mapping[str, str]:
    """The CloudEvents OPC UA extension: required where the status is not Good."""
    worst = max((status for channel in window.channels for status in channel.statuses), default=0)
    return {"opcuastatus": str(worst)} if worst else {}
