"""A line whose memory is as full as it may get: the slowest state that a detector meets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from models.synth.line import draw_line, draw_part
from wire.errors import MustStop
from wire.frame import RGB
from wire.inspector import Inspector
from wire.line_state import LineSpec, LineState
from wire.part import Part

LINE: Final = "bench.hall1.line1"
SIDE_PX: Final = 256
# 256 places each on the coarse grid: more than the 4096 vectors that a bank keeps.
ENOUGH_REFERENCES: Final = 20
_SURFACE: Final = "cast"
_SEED: Final = 11


@dataclass(frozen=True, kw_only=True, eq=False)
class FullMemory:
    """``state`` with full banks, and good ``parts`` that it was not built from."""

    state: LineState
    parts: Sequence[Part]

    @property
    def vectors(self) -> str:
        """How many vectors of how many numbers each bank has."""
        return ", ".join(f"{rows} x {width}" for rows, width in _banks(self.state))


def draw_pictures(count: int, *, height: int = SIDE_PX, width: int = SIDE_PX, first: int = 0) -> list[Part]:
    """Good parts of one drawn line, from number ``first`` on."""
    line = draw_line(_SEED, family=_SURFACE, height=height, width=width)
    return [
        Part(inspection_id=uuid4(), line=LINE, part_id=str(index), images={RGB: draw_part(line, index).rgb_u8})
        for index in range(first, first + count)
    ]


def learn_full(inspector: Inspector, references: Sequence[Part], parts: Sequence[Part]) -> FullMemory:
    """Build the state from ``references``. MustStop if they do not fill its banks."""
    spec = LineSpec(line=LINE)
    state = inspector.build_state(references, spec)
    for rows, width in _banks(state):
        if rows < spec.max_vectors:
            raise MustStop(f"{len(references)} references fill {rows} of {spec.max_vectors} vectors of {width} numbers")
    return FullMemory(state=state, parts=parts)


def _banks(state: LineState) -> list[tuple[int, int]]:
    """(vectors, numbers of each) per bank."""
    return [
        (tensor.shape[0], tensor.shape[1]) for name, tensor in sorted(state.tensors.items()) if name.endswith("bank")
    ]
