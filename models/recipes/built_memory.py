"""What a detector makes of a line's references."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wire.line_state import Calibration


@dataclass(frozen=True, kw_only=True)
class BuiltMemory:
    """Tensors and calibration of one modality."""

    tensors: Mapping[str, NDArray[np.float32]]
    calibration: Calibration
