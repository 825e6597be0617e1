"""What can be wrong with a drawn part, and which modalities can show it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wire.frame import DEPTH, INFRARED, POINTCLOUD, RGB, SENSOR

MODALITIES: Final = (RGB, INFRARED, DEPTH, POINTCLOUD, SENSOR)


class DefectKind(StrEnum):
    """The kinds of defect that can be drawn."""

    SCRATCH = "scratch"
    CRACK = "crack"
    PITS = "pits"
    HOLE = "hole"
    STAIN = "stain"
    INCLUSION = "inclusion"
    CORROSION = "corrosion"
    BLISTER = "blister"
    DENT = "dent"
    BUMP = "bump"
    FRAY = "fray"
    BROKEN_EDGE = "broken_edge"
    WEAR = "wear"
    UNEVEN = "uneven"
    ROLL_MARK = "roll_mark"
    MISSING_PART = "missing_part"
    EXTRA_PART = "extra_part"
    SHIFTED_PART = "shifted_part"
    MISPRINT = "misprint"
    COLOUR_DRIFT = "colour_drift"
    TRANSPLANT = "transplant"
    DISTORTION = "distortion"
    BLUR = "blur"
    HOT_SPOT = "hot_spot"
    VIBRATION = "vibration"
    TEMPERATURE = "temperature"


SENSOR_KINDS: Final = frozenset({DefectKind.VIBRATION, DefectKind.TEMPERATURE})
# These change what the part is made of, so they need a layout of separate pieces.
LAYOUT_KINDS: Final = frozenset(
    {DefectKind.MISSING_PART, DefectKind.EXTRA_PART, DefectKind.SHIFTED_PART, DefectKind.MISPRINT}
)
_ON_THE_SURFACE: Final = (RGB,)
_WITH_SHAPE: Final = (RGB, DEPTH, POINTCLOUD)
_USUAL: Final[dict[DefectKind, tuple[str, ...]]] = {
    DefectKind.CRACK: _WITH_SHAPE,
    DefectKind.PITS: _WITH_SHAPE,
    DefectKind.HOLE: _WITH_SHAPE,
    DefectKind.BLISTER: _WITH_SHAPE,
    DefectKind.DENT: _WITH_SHAPE,
    DefectKind.BUMP: _WITH_SHAPE,
    DefectKind.BROKEN_EDGE: _WITH_SHAPE,
    DefectKind.MISSING_PART: (RGB, INFRARED, DEPTH, POINTCLOUD),
    DefectKind.EXTRA_PART: (RGB, INFRARED, DEPTH, POINTCLOUD),
    DefectKind.SHIFTED_PART: (RGB, INFRARED, DEPTH, POINTCLOUD),
    DefectKind.HOT_SPOT: (INFRARED,),
    DefectKind.VIBRATION: (SENSOR,),
    DefectKind.TEMPERATURE: (SENSOR,),
}
_SHAPED: Final = frozenset(kind for kind, usual in _USUAL.items() if DEPTH in usual) | {
    DefectKind.SCRATCH, DefectKind.INCLUSION, DefectKind.CORROSION, DefectKind.ROLL_MARK,
}  # fmt: skip


def modalities_of(kind: DefectKind) -> tuple[str, ...]:
    """The modalities that usually show ``kind``."""
    return _USUAL.get(kind, _ON_THE_SURFACE)


def possible_modalities(kind: DefectKind) -> frozenset[str]:
    """The modalities that ``kind`` can be drawn into: a stain has no height, vibration no picture."""
    if kind in SENSOR_KINDS:
        return frozenset({SENSOR})
    if kind is DefectKind.HOT_SPOT:
        return frozenset({INFRARED})
    return frozenset({RGB, INFRARED, DEPTH, POINTCLOUD} if kind in _SHAPED else {RGB, INFRARED})


@dataclass(frozen=True, kw_only=True)
class DefectSpec:
    """One defect to draw.

    ``size_px``: its largest extent. ``visibility``: contrast in units of what the surface and the camera's noise do at
    the defect's own scale; 1 = barely, 8 = gross. ``at``: centre as shares (x, y) of width and height, None = wherever
    it suits. ``modalities``: which show it, None = as usual for the kind. ``seed`` decides everything else.
    """

    kind: DefectKind
    seed: int = 0
    size_px: float = 24.0
    visibility: float = 4.0
    at: tuple[float, float] | None = None
    modalities: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.size_px >= 1:
            raise ValueError(f"size_px is {self.size_px}, expected >= 1")
        if not 0 < self.visibility <= 50:
            raise ValueError(f"visibility is {self.visibility}, expected (0, 50]")
        if self.at is not None and not (0 <= self.at[0] <= 1 and 0 <= self.at[1] <= 1):
            raise ValueError(f"at is {self.at}, expected shares 0..1")
        strange = set(self.modalities or ()) - possible_modalities(self.kind)
        if strange or self.modalities == ():
            expected = ", ".join(sorted(possible_modalities(self.kind)))
            raise ValueError(f"modalities of {self.kind} are {self.modalities}, expected some of {expected}")

    @property
    def shown_in(self) -> tuple[str, ...]:
        """The modalities into which it is drawn."""
        return self.modalities or modalities_of(self.kind)
