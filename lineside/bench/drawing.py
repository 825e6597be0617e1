"""How fast the generator draws parts, on one core."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from rich.table import Table

from models.synth.defect import MODALITIES
from models.synth.line import FAMILIES, PHOTOGRAPH, DefectSpec, LineSetting, draw_line, draw_part, random_defects
from wire.frame import RGB

_SIDES: Final = (128, 256)
_LINES_PER_FAMILY: Final = 1


@dataclass(frozen=True, kw_only=True)
class DrawingSpeed:
    """Seconds of processor time of this process; other load on the machine does not count."""

    side_px: int
    what: str
    modalities: Sequence[str]
    parts: int
    seconds: float
    slowest: str  # the family that takes longest
    slowest_ms: float

    @property
    def parts_per_second(self) -> float:
        """Parts per second of one core."""
        return self.parts / self.seconds


def measure(parts_per_line: int) -> list[DrawingSpeed]:
    """Draw lines of every procedural family at two sizes: good parts, parts with a defect, and every modality."""
    # Beside other work a pool of threads would make the figure depend on how many cores are free.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return [
            _measured(side, what, modalities, parts_per_line)
            for side in _SIDES
            for what, modalities in (("good", (RGB,)), ("one defect each", (RGB,)), ("one defect each", MODALITIES))
        ]
    finally:
        cv2.setNumThreads(threads)


def table_of(speeds: Sequence[DrawingSpeed]) -> Table:
    """For people."""
    table = Table("side, px", "parts", "modalities", "parts/s", "ms each", "slowest family")
    for each in speeds:
        table.add_row(
            str(each.side_px),
            each.what,
            "all" if len(each.modalities) > 1 else each.modalities[0],
            f"{each.parts_per_second:.0f}",
            f"{1000 / each.parts_per_second:.2f}",
            f"{each.slowest} {each.slowest_ms:.1f} ms",
        )
    return table


def _measured(side: int, what: str, modalities: Sequence[str], parts_per_line: int) -> DrawingSpeed:
    spent = {}
    for family in FAMILIES:
        if family != PHOTOGRAPH:
            lines = [draw_line(seed, family=family, height=side, width=side) for seed in range(_LINES_PER_FAMILY)]
            spent[family] = sum(_seconds(line, modalities, parts_per_line, bad=what != "good") for line in lines)
    slowest = max(spent, key=lambda family: spent[family])
    per_family = _LINES_PER_FAMILY * parts_per_line
    return DrawingSpeed(
        side_px=side,
        what=what,
        modalities=modalities,
        parts=per_family * len(spent),
        seconds=sum(spent.values()),
        slowest=slowest,
        slowest_ms=1000 * spent[slowest] / per_family,
    )


def _seconds(line: LineSetting, modalities: Sequence[str], parts: int, *, bad: bool) -> float:
    """Processor time for a line's parts, with what is built once per line."""
    rng = np.random.default_rng(0)
    defects: list[tuple[DefectSpec, ...]] = [random_defects(line, rng, count=1) if bad else () for _ in range(parts)]
    begun = time.process_time()
    for index, specs in enumerate(defects):
        draw_part(line, index, specs, modalities=modalities)
    return time.process_time() - begun
