"""A detector around another one: what it does not say itself, the inner one says."""

from typing import Generic, TypeVar

from models.backbones.planes import Planes
from models.memory.patch_memory import Map
from models.recipes.picture_detector import PictureDetector

Inner = TypeVar("Inner", bound=PictureDetector)


class EnclosingDetector(Generic[Inner]):
    """Half of a ``PictureDetector``: maps and memory are the outer one's business."""

    def __init__(self, detector: Inner) -> None:
        self._detector = detector

    @property
    def patch_px(self) -> int:
        """Of the inner detector's map."""
        return self._detector.patch_px

    @property
    def least_references(self) -> int:
        """As few as the inner detector needs."""
        return self._detector.least_references

    @property
    def zero_shot_level(self) -> float:
        """Of the inner detector's map."""
        return self._detector.zero_shot_level

    def can_judge(self, picture: Planes) -> bool:
        """Whether the inner detector can."""
        return self._detector.can_judge(picture)

    def score(self, anomaly: Map) -> float:
        """By the inner detector."""
        return self._detector.score(anomaly)
