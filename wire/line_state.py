"""What a line knows: its specification by people, and the versioned state built from its good parts (DESIGN §4)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from wire import topics
from wire.cloudevents import CloudEvent
from wire.description import ChosenLevel, Description
from wire.finding import Reading
from wire.json_message import Moment, Record, envelope
from wire.stated_rate import StatedRate

Matching = Literal["", "aligned", "nearest"]


class LineSpec(Record):
    """What people decided about a line; changes rarely, lives in SQL (``lines``)."""

    line: str
    display_name: str = ""
    recipe: str = "embedded"
    class_name: str = ""  # what its parts are called; "" = as the recipe says
    # For detectors that read: what may be wrong with a part ("with a scratch"), and how a good one looks ("round").
    defect_words: tuple[str, ...] = ()
    normality: str = ""
    # What its kinds of defects are like, and at which level those texts are read; "" = as the recipe says.
    descriptions: tuple[Description, ...] = ()
    description_level: ChosenLevel = ""
    # Words that a training found for it: sha256 of their file in the object store; "" = as the recipe says.
    learned_words: str = ""
    # Where a detector that keeps whole references looks for a place: "aligned" = at the same place, for parts in a
    # fixture; "nearest" = anywhere, for loose parts and textures; "" = as the recipe says.
    matching: Matching = ""
    expected_modalities: tuple[str, ...] = ("rgb",)
    # Below ~8 parts the normal quantile means little; above ~200 the operator waits for nothing.
    learning_parts: int = Field(default=32, ge=2, le=10_000)
    false_alarm_rate: float = Field(default=0.01, gt=0, lt=1)
    max_vectors: int = Field(default=4096, ge=16)
    # How long a part waits for its other modalities after its first event, in broker time.
    join_window_s: float = Field(default=2.0, gt=0)
    # Whether a PLC names every part: then a part waits for its context, too, because product and job select its state.
    expects_context: bool = True
    # How far the capture times of frames that carry no part id may lie apart and still show the same part. Larger than
    # half the time between two parts would join neighbours; smaller than the jitter of the cameras would part twins.
    match_window_s: float = Field(default=0.25, gt=0)
    mm_per_px: float | None = None


class Calibration(Record):
    """How normal parts score, per modality: the source of every threshold.

    ``scores``: leave-one-out image scores of the references, ascending. ``location`` and ``scale`` turn a raw score
    into a deviation: (score - location) / scale. ``map_quantiles``: normal map values at ``MAP_QUANTILE_LEVELS``.
    """

    references: int
    scores: tuple[float, ...]
    location: float
    scale: float
    map_quantiles: tuple[float, ...] = ()


class TaughtExample(Record):
    """A region that people named with a class of their own: ``region_index`` among the inspection's regions."""

    name: str
    inspection_id: UUID
    region_index: int
    modality: str


class StateMetadata(Record):
    """Everything of a line state but its tensors; ``digest`` names the tensors' bytes (sha256)."""

    line: str
    product: str = ""
    version: int
    recipe: str
    model_digest: str
    spec: LineSpec
    calibrations: dict[str, Calibration]
    references: tuple[UUID, ...]
    digest: str
    parent_version: int | None = None
    reason: str = ""  # learned | rebuilt | rolled_back | threshold | model | taught
    created_at: Moment
    # A threshold that an engineer set by hand, per modality ("fused" for the fused score); wins over the quantile.
    manual_thresholds: dict[str, float] = Field(default_factory=dict)
    # Examples of people's own classes, in the order in which they were named; their vectors are among the tensors.
    taught: tuple[TaughtExample, ...] = ()
    # How its references were seen and read; None from detectors that know no words, and in older versions.
    reading: Reading | None = None

    @property
    def stated_rate(self) -> StatedRate:
        """The false-alarm rate, by the modality that knows the fewest good parts."""
        fewest = min((each.references for each in self.calibrations.values()), default=0)
        return StatedRate(rate=self.spec.false_alarm_rate, references=fewest, modalities=max(1, len(self.calibrations)))


@dataclass(frozen=True, kw_only=True, eq=False)
class LineState:
    """One immutable version of what a line knows; tensors by name (``rgb.bank``: (N, C) float32)."""

    metadata: StateMetadata
    tensors: Mapping[str, NDArray[np.float32]]

    @property
    def size_bytes(self) -> int:
        """Memory of the tensors, for caches with a byte budget."""
        return sum(tensor.nbytes for tensor in self.tensors.values())


def tensors_digest(tensors: Mapping[str, NDArray[np.float32]]) -> str:
    """sha256 over names, shapes and bytes in name order: equal tensors, equal digest."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name], dtype="<f4")
        digest.update(f"{name}:{tensor.shape};".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()


class StateActivated(Record):
    """In band on ``lineside.frames``: from this offset on, the line's product uses this version."""

    line: str
    product: str = ""
    version: int
    digest: str
    activated_at: Moment
    by: str
    reason: str = ""

    def to_event(self) -> CloudEvent:
        """Wrap for Kafka."""
        return envelope(
            self,
            id=f"activation/{self.line}/{self.product}/{self.version}/{self.activated_at.isoformat()}",
            source=f"build/{self.line}",
            type=topics.STATE_ACTIVATED,
            line=self.line,
            time=self.activated_at,
        )
