"""The result of one part's inspection: message on ``lineside.results`` and domain object of the history.

Names follow OPC 40100-1 ``ResultDataType`` where it has one: ResultId, PartId, JobId, ProductId, ExternalRecipeId,
CreationTime, ProcessingTimes, IsPartial, IsSimulated, ResultState.
"""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from wire import topics
from wire.cloudevents import CloudEvent
from wire.finding import ModalityVerdict, Mode, Region, Verdict
from wire.json_message import Moment, Record, envelope
from wire.ledger import EventReference


class ResultState(StrEnum):
    """OPC 40100-1 ResultStateDataType, by name."""

    UNDEFINED = "Undefined"
    COMPLETED = "Completed"
    PROCESSING = "Processing"
    ABORTED = "Aborted"
    FAILED = "Failed"


class EvidenceKind(StrEnum):
    """What a piece of evidence shows."""

    IMAGE = "image"  # the payload as the device made it (also depth, cloud and sensor payloads)
    MAP = "map"  # 16-bit PNG: value = map / map_scale
    MASK = "mask"  # 1-channel PNG, 255 = defect
    OVERLAY = "overlay"  # JPEG for people


class Evidence(Record):
    """One object in the object store; ``ref`` is its key. ``scale``: map units per count of a 16-bit map.

    ``threshold``: where the map turns from normal to marked, in map units; None for other kinds and in older results.
    ``coarse``: of a mask, the one that a segmenter was asked to refine; it stands behind the fine one.
    ``attributes``: what a reader needs to understand a payload (the frame's own: ``depthscale``, ``bitdepth``, ...).
    """

    kind: EvidenceKind
    modality: str
    ref: str
    content_type: str
    sha256: str
    size: int
    scale: float | None = None
    threshold: float | None = None
    coarse: bool = False
    attributes: dict[str, str] = Field(default_factory=dict)


class ProcessingTimes(Record):
    """When the part was worked on, UTC. ``captured_first_at`` is the earliest frame's capture."""

    captured_first_at: Moment | None
    start_time: Moment
    end_time: Moment
    model_s: float  # share of this part in its batch's model time


class Provenance(Record):
    """Which software, model and state made a result."""

    software_version: str
    recipe: str
    # Keys of the recipe that were changed for this worker ({"backbone.vv_mode": "none"}), but for places of files.
    recipe_changes: dict[str, str] = Field(default_factory=dict)
    model_digest: str
    state_version: int | None
    state_digest: str | None
    worker: str
    # Where the anchor event lay: results of a replay can be compared with the first run.
    topic: str
    partition: int
    offset: int


class Inspection(Record):
    """One part, one row, however often it is delivered; a partial result never replaces a complete one."""

    inspection_id: UUID = Field(alias="ResultId")
    line: str
    part_id: str
    trigger_session: str
    product: str = Field(default="", alias="ProductId")
    job: str = Field(default="", alias="JobId")
    recipe: str = Field(default="", alias="ExternalRecipeId")
    serial_number: str = ""
    packml_state: str = ""
    outside_execute: bool = False  # the machine was in another PackML state than Execute: jogging, cleaning, a restart
    captured_at: Moment  # the trigger's time; else the anchor frame's
    created_at: Moment = Field(alias="CreationTime")
    processing: ProcessingTimes = Field(alias="ProcessingTimes")
    is_partial: bool
    is_simulated: bool = False
    result_state: ResultState
    verdict: Verdict
    score: float | None
    threshold: float | None
    false_alarm_rate: float | None = None
    mode: Mode
    modalities: tuple[ModalityVerdict, ...]
    regions: tuple[Region, ...]
    evidence: tuple[Evidence, ...]
    events: tuple[EventReference, ...]
    provenance: Provenance

    @property
    def complete_modalities(self) -> int:
        """How many modalities were judged: of two results for one part, the one with more is kept."""
        return sum(verdict.state == "used" for verdict in self.modalities)

    @property
    def awaits_memory(self) -> bool:
        """Whether it was scored and not judged, because its line has yet to learn what good parts look like."""
        scored = any(verdict.score is not None for verdict in self.modalities)
        return scored and self.verdict is Verdict.UNKNOWN and self.mode is Mode.ZERO_SHOT

    def to_event(self) -> CloudEvent:
        """Wrap for Kafka."""
        return envelope(
            self,
            id=str(self.inspection_id),
            source=f"inspect/{self.provenance.worker}",
            type=topics.INSPECTION_RESULT,
            line=self.line,
            time=self.captured_at,
            subject=self.part_id,
            extensions={"verdict": self.verdict.value},
        )


class ReportedRegion(Record):
    """One region in words."""

    region_index: int
    modality: str
    sentence: str


class Report(Record):
    """The description of one inspection.

    ``fallback``: the template was used because a model's text failed its rules.
    """

    inspection_id: UUID
    line: str
    part_id: str
    captured_at: Moment
    created_at: Moment
    reporter: str  # "template" or a model's name and digest
    fallback: bool = False
    summary: str
    regions: tuple[ReportedRegion, ...]

    def to_event(self) -> CloudEvent:
        """Wrap for Kafka."""
        return envelope(
            self,
            id=f"report/{self.inspection_id}",
            source=f"describe/{self.reporter}",
            type=topics.INSPECTION_REPORT,
            line=self.line,
            time=self.captured_at,
            subject=self.part_id,
        )
