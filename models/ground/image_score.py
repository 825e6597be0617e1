"""One number for an image, from its map."""

import numpy as np

from models.memory.patch_memory import Map


def image_score(anomaly: Map, share: float, most: int | None = None) -> float:
    """Mean of the highest ``share`` of the places, at least one and at ``most`` so many: 0 = the peak. Never above it.

    A single odd place is noise more often than the area of a small defect is, which does not grow with the picture.
    """
    count = max(1, round(share * anomaly.size))
    if most is not None:
        count = min(count, most)
    if count == 1:
        return float(anomaly.max())
    return float(np.partition(anomaly, -count, axis=None)[-count:].mean())
