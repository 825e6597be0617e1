"""Which type of the vocabulary each kind of drawn defect is."""

from typing import Final

from models.kinds.vocabulary import DefectType
from models.synth.defect import DefectKind

# What only sensors show has no region, so it has no type.
TYPE_OF: Final[dict[DefectKind, DefectType]] = {
    DefectKind.SCRATCH: DefectType.SCRATCH,
    DefectKind.CRACK: DefectType.CRACK,
    DefectKind.PITS: DefectType.PIT,
    DefectKind.HOLE: DefectType.PIT,
    DefectKind.STAIN: DefectType.STAIN,
    DefectKind.CORROSION: DefectType.STAIN,
    DefectKind.INCLUSION: DefectType.INCLUSION,
    DefectKind.BLISTER: DefectType.DENT,
    DefectKind.DENT: DefectType.DENT,
    DefectKind.BUMP: DefectType.DENT,
    DefectKind.FRAY: DefectType.BROKEN_EDGE,
    DefectKind.BROKEN_EDGE: DefectType.BROKEN_EDGE,
    DefectKind.WEAR: DefectType.WORN_AREA,
    DefectKind.MISSING_PART: DefectType.LAYOUT_FAULT,
    DefectKind.EXTRA_PART: DefectType.LAYOUT_FAULT,
    DefectKind.SHIFTED_PART: DefectType.LAYOUT_FAULT,
    DefectKind.MISPRINT: DefectType.LAYOUT_FAULT,
    DefectKind.COLOUR_DRIFT: DefectType.DISCOLOURATION,
    DefectKind.UNEVEN: DefectType.TEXTURE_FAULT,
    DefectKind.ROLL_MARK: DefectType.TEXTURE_FAULT,
    DefectKind.TRANSPLANT: DefectType.TEXTURE_FAULT,
    DefectKind.DISTORTION: DefectType.TEXTURE_FAULT,
    DefectKind.BLUR: DefectType.TEXTURE_FAULT,
    DefectKind.HOT_SPOT: DefectType.HOT_SPOT,
}
