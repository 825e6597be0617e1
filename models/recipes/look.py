"""What a detector makes of one picture."""

from dataclasses import dataclass

from models.backbones.picture_features import PictureFeatures
from models.memory.patch_memory import Map


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """anomaly (h, w); ``features``: what a network saw, for naming what is found there; None from fixed filters."""

    anomaly: Map
    features: PictureFeatures | None = None
