"""Truth masks as coarse as the map that prompts SAM: on a grid of tokens, a little off, cut at some level."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

# Tokens a side of the published backbones and tiles: 14 to 16, some more for larger frames.
_TOKENS = (12, 20)
# A map peaks on the defect and fades around it; where it is cut depends on the line's normal level.
_CUTS = (0.2, 0.6)
# A coarse stage also marks places that are sound.
_P_FALSE = 0.15


def coarse_prompt(truth: Mask, rng: Generator) -> Mask:
    """(H, W) -> (H, W), never empty for a truth that is not."""
    height, width = truth.shape
    tokens = int(rng.integers(*_TOKENS))
    cell = max(height, width) / tokens
    down, right = rng.uniform(-cell / 2, cell / 2, 2)
    moved = cv2.warpAffine(
        truth.astype(np.float32), np.array([[1, 0, right], [0, 1, down]], np.float32), (width, height),
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    size = (max(1, round(width / cell)), max(1, round(height / cell)))
    share = np.asarray(cv2.resize(moved, size, interpolation=cv2.INTER_AREA), np.float32)
    if rng.random() < _P_FALSE:
        share[int(rng.integers(share.shape[0])), int(rng.integers(share.shape[1]))] = share.max()
    full = np.asarray(cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    peak = float(full.max())
    return truth if peak == 0 else np.asarray(full > rng.uniform(*_CUTS) * peak, np.bool_)
