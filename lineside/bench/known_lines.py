"""The lines that the inspect benchmarks run: drawn pictures, and the state built from the good ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from models.synth.defect import DefectKind, DefectSpec
from models.synth.line_style import LineStyle, Surface
from models.synth.parts import draw
from wire.frame import RGB
from wire.image_codec import decode_image, encode_jpeg
from wire.inspector import Inspector
from wire.line_state import LineSpec, LineState
from wire.part import Part

RECIPE: Final = "embedded"

# Two lines, so that a batch holds parts of several.
_SURFACES: Final = {"bench.hall1.line1": Surface.CAST, "bench.hall1.line2": Surface.BRUSHED}
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


def _learn(inspector: Inspector, line: str, surface: Surface, side_px: int) -> KnownLine:
    style = replace(LineStyle.random(_SEED, surface), height_px=side_px, width_px=side_px)
    scratch = DefectSpec(kind=DefectKind.SCRATCH, severity=1.0)

    def jpeg(index: int) -> bytes:
        return encode_jpeg(draw(style, index, scratch if index % _DEFECT_EVERY == 0 else None).rgb_u8)

    spec = LineSpec(line=line, learning_parts=_LEARNED_FROM)
    good = [
        Part(inspection_id=uuid4(), line=line, part_id=f"good-{index}", images={RGB: draw(style, index).rgb_u8})
        for index in range(_LEARNED_FROM)
    ]
    pictures = [jpeg(index) for index in range(_LEARNED_FROM, _LEARNED_FROM + _PICTURES)]
    return KnownLine(spec=spec, state=inspector.build_state(good, spec), pictures=pictures)
