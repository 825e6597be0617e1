"""What turns one kind of picture into maps, whatever it sees with."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.backbones.planes import Planes
from models.memory.patch_memory import Map
from models.recipes.built_memory import BuiltMemory
from models.recipes.look import Look
from wire.line_state import LineSpec


class PictureDetector(Protocol):
    """Planes -> anomaly maps, in batches over the parts of many lines. Remembers nothing between calls."""

    @property
    def patch_px(self) -> int:
        """Pixels of the working picture per map value, both ways."""

    @property
    def least_references(self) -> int:
        """Good pictures that a memory needs."""

    @property
    def zero_shot_level(self) -> float:
        """Map value from which a place stands out, where there is no memory to say so."""

    def can_judge(self, picture: Planes) -> bool:
        """Whether at least one patch of ``picture`` saw enough of the part."""

    def score(self, anomaly: Map) -> float:
        """The score of an image from its map; never above the map's peak."""

    def maps(
        self,
        pictures: Sequence[Planes],
        memories: Sequence[Mapping[str, NDArray[np.float32]] | None],
        names: Sequence[str],
    ) -> list[Look | None]:
        """One anomaly map per picture, against ``memories[i]`` (tensors of a line state) or, if None, without memory.

        None for a picture without a single valid patch.
        """

    def build(self, pictures: Sequence[Planes], name: str, *, spec: LineSpec) -> BuiltMemory:
        """The memory of good pictures under the name of their modality; ValueError with too few usable ones."""
