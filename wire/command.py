"""What people ask of a line: build, accept, reject, roll back, set a rate or a threshold, describe, name defects."""

from enum import StrEnum
from uuid import UUID

from wire import topics
from wire.cloudevents import CloudEvent
from wire.description import ChosenLevel, Description
from wire.json_message import Moment, Record, envelope
from wire.line_state import Matching


class CommandKind(StrEnum):
    """The verbs of ``lineside.commands``."""

    BUILD = "build"  # a new version from the current references
    ACCEPT = "accept"  # inspections become references (false alarm or learning)
    REJECT = "reject"  # inspections stop being references / are confirmed defects
    ROLLBACK = "rollback"  # activate an earlier version
    SET_RATE = "set_rate"  # change the stated false-alarm rate; no rebuild
    SET_THRESHOLD = "set_threshold"  # set a threshold by hand, per modality or "fused"
    DESCRIBE = "describe"  # what the line's parts are called and look like; its versions are built anew
    NAME = "name"  # regions are examples of a class of people's own, known by four of them


class RegionReference(Record):
    """A region of a stored inspection, by its index there."""

    inspection: UUID
    region: int


class LineCommand(Record):
    """One command. ``command_id`` makes it idempotent; ``by`` and ``reason`` end up in the audit rows."""

    command_id: UUID
    kind: CommandKind
    line: str
    product: str = ""
    by: str
    reason: str = ""
    requested_at: Moment
    inspections: tuple[UUID, ...] = ()  # accept, reject
    version: int | None = None  # rollback
    false_alarm_rate: float | None = None  # set_rate
    modality: str | None = None  # set_threshold
    threshold: float | None = None  # set_threshold
    # describe, as in LineSpec; None leaves it as it is
    class_name: str | None = None
    defect_words: tuple[str, ...] | None = None
    normality: str | None = None
    descriptions: tuple[Description, ...] | None = None
    description_level: ChosenLevel | None = None
    learned_words: str | None = None
    matching: Matching | None = None
    name: str = ""  # name; "unknown" takes a name back
    regions: tuple[RegionReference, ...] = ()  # name

    def to_event(self) -> CloudEvent:
        """Wrap for Kafka."""
        return envelope(
            self,
            id=str(self.command_id),
            source=f"operator/{self.by}",
            type=topics.LINE_COMMAND,
            line=self.line,
            time=self.requested_at,
        )
