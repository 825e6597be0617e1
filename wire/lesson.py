"""A region that people named with a class of their own, as a detector learns from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wire.line_state import TaughtExample
from wire.part import Part


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """``own`` (H, W) bool: the region's pixels in its modality's picture; ``marked`` (H, W): those of all regions."""

    example: TaughtExample
    part: Part
    own: NDArray[np.bool_]
    marked: NDArray[np.bool_]
