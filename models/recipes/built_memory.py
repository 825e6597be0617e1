"""What a detector makes of a line's references."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.memory.calibration import calibrate, calibrated
from models.memory.patch_memory import Map
from models.recipes.look import Look
from wire.line_state import Calibration


@dataclass(frozen=True, kw_only=True)
class BuiltMemory:
    """Tensors and calibration of one modality; ``left_out``: what was made of each reference against the others.

    ``names_references``: a ``Look`` will say which of the references it resembles most.
    """

    tensors: Mapping[str, NDArray[np.float32]]
    calibration: Calibration
    left_out: Sequence[Look]
    names_references: bool = False


def calibrated_looks(left_out: Sequence[Look], score: Callable[[Map], float]) -> Calibration:
    """From what was made of good parts; a single one is its own sample: the scores of its quarters."""
    maps = [look.anomaly for look in left_out]
    if len(left_out) == 1:
        return calibrated(maps, score)
    return calibrate([score(look.anomaly) if look.score is None else look.score for look in left_out], maps)
