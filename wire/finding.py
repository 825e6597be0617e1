"""What a detector found on one part: a verdict per modality, the fused one, maps, masks, regions."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from wire.description import PromptLevel
from wire.facts import Facts
from wire.json_message import Record


class Verdict(StrEnum):
    """``unknown``: nothing of the part could be judged (every frame corrupt or missing), or there is no memory yet."""

    OK = "ok"
    DEFECT = "defect"
    UNKNOWN = "unknown"


class Mode(StrEnum):
    """How a score was made: against the line's memory of good parts, or without one."""

    ZERO_SHOT = "zero_shot"
    MEMORY = "memory"


class ModalityState(StrEnum):
    """What happened to an expected modality of a part."""

    USED = "used"
    MISSING = "missing"
    QUARANTINED = "quarantined"


class Region(Record):
    """One connected defect region. ``xyxy_px`` is half-open: x in [x0, x1), in pixels of the modality's own image."""

    index: int
    modality: str
    type: str = "unknown"
    type_probability: float | None = None
    xyxy_px: tuple[int, int, int, int]
    area_px: int
    score: float
    facts: Facts


class Reading(Record):
    """How a detector that compares a picture with words saw it and what it read.

    ``vv_mode``: value-value attention of its image tokens. ``level``: how much its texts say of each kind of defect;
    None: no such text had a say. ``named_alone``: kinds without a text of that level, whose name stood in for it.
    ``learned_words``: sha256 of the file of words that a training found; "" = people's words.
    """

    vv_mode: str
    level: PromptLevel | None = None
    named_alone: tuple[str, ...] = ()
    learned_words: str = ""


class ModalityVerdict(Record):
    """One modality's answer. ``score`` is raw, ``threshold`` in the same unit; None where it was not judged."""

    modality: str
    state: ModalityState
    verdict: Verdict
    score: float | None = None
    threshold: float | None = None
    mode: Mode | None = None
    # Evidence in sigma of the line's normals: comparable over modalities, the input of the fusion.
    deviation: float | None = None
    # The false-alarm rate lies beyond what the line's references can show; the threshold comes from a tail model.
    threshold_extrapolated: bool = False
    # How many references the line's state was built from; 0 = zero-shot, None = not judged, or an older result.
    shots: int | None = None
    # The reference that the part resembles most, by its inspection, where the memory keeps whole references.
    closest_reference: UUID | None = None
    # None from detectors that know no words, and in older results.
    reading: Reading | None = None
    # How well a segmenter thinks that its mask fits (predicted IoU); None where none saw the picture.
    mask_confidence: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """Where one modality looks anomalous.

    map (h, w) float32 >= 0, raw and never min-max scaled, h <= H; mask (H, W) bool. ``coarse_mask`` (H, W) bool: what a
    segmenter was asked to refine, where one was asked.
    """

    map: NDArray[np.float32]
    mask: NDArray[np.bool_]
    map_threshold: float
    coarse_mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Finding:
    """A detector's complete answer for one part. ``score`` and ``threshold`` are the fused ones."""

    verdict: Verdict
    score: float | None
    threshold: float | None
    mode: Mode
    modalities: tuple[ModalityVerdict, ...]
    regions: tuple[Region, ...]
    pictures: Mapping[str, Picture]
