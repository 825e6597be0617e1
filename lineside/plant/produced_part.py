"""A part that the plant has made, with everything its devices will say about it; and where parts come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from models.synth.sensor_trace import SensorTrace


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One image of a part as its camera encodes it: bytes, file extension (with dot) and what a reader must know."""

    modality: str
    data: bytes
    extension: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""  # the file it was taken from, for people who read the truth


@dataclass(frozen=True, kw_only=True, eq=False)
class ProducedPart:
    """``defect`` is None where nobody knows (images without labels)."""

    product: str
    shots: tuple[Shot, ...]
    sensors: Mapping[str, SensorTrace]
    defect: bool | None
    defect_type: str = ""
    defect_modalities: tuple[str, ...] = ()


class PartSource(Protocol):
    """Makes the parts of one line. Deterministic: equal arguments, equal part. Called from one thread at a time."""

    @property
    def commissioning_parts(self) -> int:
        """How many parts can be learned from before defects may appear."""

    def part(self, index: int, *, commissioning: bool, product_index: int) -> ProducedPart:
        """Part ``index`` of the product's life on this line (commissioning parts are counted apart, both from 0)."""


@runtime_checkable
class DrawsDefects(Protocol):
    """A source that draws its parts, defective ones at a rate of 0 to 1 that may change."""

    defect_rate: float
