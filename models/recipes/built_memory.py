"""What a detector makes of a line's references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.memory.patch_memory import Map
from wire.line_state import Calibration


@dataclass(frozen=True, kw_only=True)
class BuiltMemory:
    """Tensors and calibration of one modality; ``left_out``: each reference's map against the others.

    ``names_references``: a ``Look`` will say which of the references it resembles most.
    """

    tensors: Mapping[str, NDArray[np.float32]]
    calibration: Calibration
    left_out: Sequence[Map]
    names_references: bool = False
