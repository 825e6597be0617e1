"""The closed vocabulary of defect types."""

from enum import StrEnum


class DefectType(StrEnum):
    """Words of the shop floor, of one kind each: what caused it is for people to find out.

    ``unknown``: none of them is likely enough.
    """

    SCRATCH = "scratch"
    CRACK = "crack"
    PIT = "pit"  # small holes and cavities, one or many
    STAIN = "stain"  # on the surface: dirt, liquid, corrosion
    INCLUSION = "inclusion"
    DENT = "dent"  # pressed in or out: dents, bumps, blisters
    BROKEN_EDGE = "broken_edge"  # chipped or frayed
    WORN_AREA = "worn_area"
    LAYOUT_FAULT = "layout_fault"  # a piece or a print is missing, too many, or in the wrong place
    DISCOLOURATION = "discolouration"
    TEXTURE_FAULT = "texture_fault"  # uneven, foreign, distorted or blurred texture, roll marks
    HOT_SPOT = "hot_spot"
    UNKNOWN = "unknown"


# Everything that a classifier can answer, in the order of its outputs.
NAMED: tuple[DefectType, ...] = tuple(each for each in DefectType if each is not DefectType.UNKNOWN)
