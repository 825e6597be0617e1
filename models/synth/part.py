"""One drawn part: its pictures, depth, cloud and sensor traces, and the truth about its defects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from models.facts.extractor import facts_of
from models.report.template import region_sentence
from models.synth.defect import DefectKind
from models.synth.sensor_trace import SensorTrace
from wire.facts import Facts
from wire.finding import Region
from wire.part import PointCloud

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnDefect:
    """What was drawn and can be seen.

    ``masks``: modality -> (H, W) where that modality shows it (none for a sensor), ``mask`` their union;
    ``xyxy_px``: its tight half-open box, None where no picture shows it. ``grey``: the picture that the facts are
    measured on.
    """

    kind: DefectKind
    masks: Mapping[str, Mask]
    mask: Mask
    xyxy_px: tuple[int, int, int, int] | None
    modalities_showing: tuple[str, ...]
    mm_per_px: float
    grey: NDArray[np.uint8] = field(repr=False)

    @cached_property
    def facts(self) -> Facts:
        """The nine facts, by the extractor that also measures what the detector marks."""
        return facts_of(self.mask, self.grey, self.mm_per_px)

    @property
    def sentence(self) -> str:
        """One sentence from the closed vocabulary of reports."""
        region = Region(
            index=0,
            modality=self.modalities_showing[0],
            type=self.kind.value,
            xyxy_px=self.xyxy_px or (0, 0, 0, 0),
            area_px=int(self.mask.sum()),
            score=1.0,
            facts=self.facts,
        )
        return region_sentence(region)


@dataclass(frozen=True, kw_only=True, eq=False)
class SynthPart:
    """A part and its truth; what was not asked for is None (sensors: empty).

    rgb_u8 (H, W, 3); infrared_u8 (H, W); depth_mm (H, W), NaN where the sensor had no return; cloud: organised.
    ``mask`` (H, W): where any of the drawn modalities shows a defect. ``defects``: those that can be seen, in the
    order of their specs.
    """

    rgb_u8: NDArray[np.uint8]
    infrared_u8: NDArray[np.uint8] | None
    depth_mm: NDArray[np.float32] | None
    cloud: PointCloud | None
    sensors: Mapping[str, SensorTrace]
    mask: Mask
    defects: tuple[DrawnDefect, ...]

    @property
    def modalities_showing(self) -> tuple[str, ...]:
        """Modalities in which at least one defect can be seen."""
        return tuple(dict.fromkeys(name for defect in self.defects for name in defect.modalities_showing))

    def mask_in(self, modality: str) -> Mask:
        """Where ``modality`` shows a defect, (H, W)."""
        mask = np.zeros_like(self.mask)
        for defect in self.defects:
            if modality in defect.masks:
                mask |= defect.masks[modality]
        return mask


def box_of(mask: Mask) -> tuple[int, int, int, int] | None:
    """The tight half-open box of a mask, None if it is empty."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return (x, y, x + width, y + height) if width else None
