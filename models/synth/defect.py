"""What can be wrong with a drawn part, and which modality shows it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class DefectKind(StrEnum):
    """The kinds of defect that can be drawn."""

    SCRATCH = "scratch"
    PIT = "pit"
    STAIN = "stain"
    CRACK = "crack"
    DENT = "dent"
    MISSING_PRINT = "missing_print"
    VIBRATION = "vibration"
    TEMPERATURE = "temperature"


# A dent keeps its colour under diffuse light; vibration and temperature leave no trace on the surface at all.
MODALITIES_SHOWING: Final[dict[DefectKind, tuple[str, ...]]] = {
    DefectKind.SCRATCH: ("rgb",),
    DefectKind.PIT: ("rgb", "depth"),
    DefectKind.STAIN: ("rgb",),
    DefectKind.CRACK: ("rgb", "depth"),
    DefectKind.DENT: ("depth",),
    DefectKind.MISSING_PRINT: ("rgb",),
    DefectKind.VIBRATION: ("sensor",),
    DefectKind.TEMPERATURE: ("sensor",),
}


@dataclass(frozen=True, kw_only=True)
class DefectSpec:
    """One defect to draw. ``severity`` 1 = an inspector sees it at once, 0.3 = he has to look twice."""

    kind: DefectKind
    severity: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.severity <= 3:
            raise ValueError(f"severity is {self.severity}, expected (0, 3]")

    @property
    def modalities_showing(self) -> tuple[str, ...]:
        """The modalities in which the defect can be seen."""
        return MODALITIES_SHOWING[self.kind]
