"""What a detector makes of one picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.backbones.picture_features import PictureFeatures
from models.memory.patch_memory import Map


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """anomaly (h, w); ``features``: what a network saw, for naming what is found there; None from fixed filters.

    ``score``: the image's, where it is more than its map says; ``reference``: which picture of its memory, by number,
    it resembles most, where the memory keeps whole ones. ``coarse_mask`` (H, W) of the working picture: what a
    segmenter was asked to refine; ``mask_confidence``: how well it thinks that its mask fits.
    """

    anomaly: Map
    features: PictureFeatures | None = None
    score: float | None = None
    reference: int | None = None
    coarse_mask: NDArray[np.bool_] | None = None
    mask_confidence: float | None = None
