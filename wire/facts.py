"""The nine facts of a defect (SYSTEMS.md A.1.2), as types; ``models.facts`` computes them from image and mask."""

from typing import Literal

from wire.json_message import Record

Scale = Literal["tiny", "small", "medium", "large", "extensive"]
Polarity = Literal["dark", "bright", "neutral"]
Saliency = Literal["low", "medium", "high"]
Count = Literal["none", "one", "two", "three", "four", "five", "multiple"]
Position = Literal[
    "top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"
]  # fmt: skip
Shape = Literal[
    "linear", "curved", "elongated", "circular", "irregular", "fragmented", "network-like", "spot-like", "patch-like",
    "diffuse", "unclear",
]  # fmt: skip
Direction = Literal["horizontal", "vertical", "diagonal", "none"]
Distribution = Literal["isolated", "clustered", "scattered", "unclear"]


class PositionShare(Record):
    """Share (0, 1] of the defect's pixels in one cell of a 3 x 3 grid."""

    cell: Position
    share: float


class Facts(Record):
    """Nine facts of a mask, plus sizes in mm where the calibration is known. Defined for empty and full masks too."""

    scale: Scale
    polarity: Polarity
    saliency: Saliency
    number: Count
    position: tuple[PositionShare, ...]
    shape: Shape
    direction: Direction
    distribution: Distribution
    area_ratio: float
    contrast: float  # mean grey inside minus outside, 0..255 scale; 0 where one side is empty
    area_mm2: float | None = None
    length_mm: float | None = None
