"""The lines that the inspect benchmarks run: drawn pictures, and the state built from the good ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from models.synth.line import DefectKind, DefectSpec, draw_line, draw_part
from wire.frame import RGB
from wire.image_codec import decode_image, encode_jpeg
from wire.inspector import Inspector
from wire.line_state import LineSpec, LineState
from wire.part import Part

RECIPE: Final = "embedded"

# Two lines, so that a batch holds parts of several.
_SURFACES: Final = {"bench.hall1.line1": "cast", "bench.hall1.line2": "brushed"}
_LEARNED_FROM: Final = 16
# Parts repeat these; more would only take longer to draw.
_PICTURES: Final = 30
_DEFECT_EVERY: Final = 10
_SEED: Final = 11


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownLine:
    """A line's specification, its state, and the encoded pictures of its parts, one in ten with a defect."""

    spec: LineSpec
    state: LineState
    pictures: Sequence[bytes]

    @property
    def line(self) -> str:
        """Its id."""
        return self.spec.line

    def picture(self, number: int) -> bytes:
        """The JPEG of part ``number``."""
        return self.pictures[number % len(self.pictures)]

    def part(self, number: int) -> Part:
        """Part ``number`` as the detector gets it."""
        return Part(
            inspection_id=uuid4(), line=self.line, part_id=str(number), images={RGB: decode_image(self.picture(number))}
        )


def learn_lines(inspector: Inspector, *, side_px: int) -> list[KnownLine]:
    """Draw two lines with square pictures and build their states."""
    return [_learn(inspector, line, surface, side_px) for line, surface in _SURFACES.items()]


def _learn(inspector: Inspector, line: str, surface: str, side_px: int) -> KnownLine:
    drawn = draw_line(_SEED, family=surface, height=side_px, width=side_px)
    scratch = DefectSpec(kind=DefectKind.SCRATCH, size_px=side_px / 4, visibility=6.0)

    def jpeg(index: int) -> bytes:
        defects = (scratch,) if index % _DEFECT_EVERY == 0 else ()
        return encode_jpeg(draw_part(drawn, index, defects).rgb_u8)

    spec = LineSpec(line=line, learning_parts=_LEARNED_FROM)
    good = [
        Part(inspection_id=uuid4(), line=line, part_id=f"good-{index}", images={RGB: draw_part(drawn, index).rgb_u8})
        for index in range(_LEARNED_FROM)
    ]
    pictures = [jpeg(index) for index in range(_LEARNED_FROM, _LEARNED_FROM + _PICTURES)]
    return KnownLine(spec=spec, state=inspector.build_state(good, spec), pictures=pictures)
