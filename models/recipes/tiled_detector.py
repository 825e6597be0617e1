"""Any picture for a detector that sees frames of one size: squeezed into one, or cut into tiles that share batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.backbones.planes import Planes
from models.backbones.profile import Profile
from models.backbones.tiling import Tiling, Window, stitched, windows_of
from models.recipes.built_memory import BuiltMemory, calibrated_looks
from models.recipes.enclosing_detector import EnclosingDetector
from models.recipes.look import Look
from models.recipes.picture_detector import PictureDetector
from wire.line_state import LineSpec

# Pixels of the picture per value of a map: finer than any token, so that neighbouring tiles blend smoothly.
_STRIDE_PX: Final = 4


class FrameDetector(PictureDetector, Protocol):
    """A detector of pictures that all have the size of its backbone's frame."""

    def build(
        self, pictures: Sequence[Planes], name: str, *, spec: LineSpec, sources: Sequence[int] | None = None
    ) -> BuiltMemory:
        """As ``PictureDetector.build``; ``sources[i]``: the number of the part that picture i shows, None = all differ.

        Pictures of one part are left out together.
        """


@dataclass(frozen=True)
class _Tile:
    picture: int
    window: Window
    frame: Planes


class TiledDetector(EnclosingDetector[FrameDetector]):
    """See ``PictureDetector``. ``tiling`` None: every picture is squeezed into one frame."""

    def __init__(self, detector: FrameDetector, *, profile: Profile, tiling: Tiling | None) -> None:
        super().__init__(detector)
        self._profile = profile
        self._tiling = tiling

    @property
    def patch_px(self) -> int:
        """Of the picture, per map value."""
        return _STRIDE_PX

    def can_judge(self, picture: Planes) -> bool:
        """Every picture fits into frames."""
        return True

    def maps(
        self,
        pictures: Sequence[Planes],
        memories: Sequence[Mapping[str, NDArray[np.float32]] | None],
        names: Sequence[str],
    ) -> list[Look | None]:
        """The tiles of all pictures are looked at together; each picture's maps become one."""
        tiles = self._tiles(pictures)
        found = self._detector.maps(
            [tile.frame for tile in tiles],
            [memories[tile.picture] for tile in tiles],
            [names[tile.picture] for tile in tiles],
        )
        return list(self._joined(pictures, tiles, found))

    def build(self, pictures: Sequence[Planes], name: str, *, spec: LineSpec) -> BuiltMemory:
        """One memory of all tiles; calibrated on whole pictures."""
        tiles = self._tiles(pictures)
        built = self._detector.build(
            [tile.frame for tile in tiles], name, spec=spec, sources=[tile.picture for tile in tiles]
        )
        if len(built.left_out) != len(tiles) or len(pictures) == 1 < len(tiles):
            # Made of other views than the tiles: a single part is its own sample.
            return built
        looks = self._joined(pictures, tiles, built.left_out)
        return BuiltMemory(
            tensors=built.tensors,
            calibration=calibrated_looks(looks, self.score),
            left_out=looks,
            names_references=built.names_references,
        )

    def _tiles(self, pictures: Sequence[Planes]) -> list[_Tile]:
        tiles = []
        for index, picture in enumerate(pictures):
            height, width = picture.values.shape[-2:]
            for window in windows_of((height, width), self._tiling, stride_px=_STRIDE_PX):
                pixels = np.ascontiguousarray(window.of(picture.values).transpose(1, 2, 0))
                frame = self._profile.frame_of(pixels).pixels
                size = (window.height, window.width)
                tiles.append(_Tile(index, window, replace(picture, values=frame, size=size)))
        return tiles

    def _joined(self, pictures: Sequence[Planes], tiles: Sequence[_Tile], looks: Sequence[Look | None]) -> list[Look]:
        own: list[list[tuple[Window, Look]]] = [[] for _ in pictures]
        for tile, look in zip(tiles, looks, strict=True):
            if look is not None:
                own[tile.picture].append((tile.window, look))
        return [self._one(picture, each) for picture, each in zip(pictures, own, strict=True)]

    def _one(self, picture: Planes, seen: Sequence[tuple[Window, Look]]) -> Look:
        height, width = picture.values.shape[-2:]
        looks = [look for _, look in seen]
        anomaly = stitched(
            [look.anomaly for look in looks], [window for window, _ in seen], (height, width), stride_px=_STRIDE_PX
        )
        scores = [look.score for look in looks if look.score is not None]
        # The tile that stands out most speaks for the picture.
        loudest = max(looks, key=lambda look: float(look.anomaly.max()) if look.score is None else look.score)
        return Look(anomaly=anomaly, score=max(scores, default=None), reference=loudest.reference)
