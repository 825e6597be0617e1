"""Large pictures are seen twice: pixel by pixel, and from far enough that half a part fits into one glance.

The network sees about 450 px around a place. On a picture of 4000 px that finds a scratch of 2 px; a region that is
uneven over a thousand is only seen from afar. Both views have memories of their own, in the same unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.backbones.planes import Planes, shrink, stretched
from models.backbones.student import MULTIPLE_PX
from models.memory.calibration import calibrated
from models.memory.patch_memory import Map
from models.recipes.built_memory import BuiltMemory
from models.recipes.enclosing_detector import EnclosingDetector
from models.recipes.look import Look
from models.recipes.picture_detector import PictureDetector
from wire.line_state import LineSpec

_FAR = "far"


class TwoScaleDetector(EnclosingDetector[PictureDetector]):
    """See ``PictureDetector``. Pictures above ``far_above_pixels`` are also seen shrunk to ``far_pixels``."""

    def __init__(self, detector: PictureDetector, *, far_above_pixels: int, far_pixels: int) -> None:
        super().__init__(detector)
        self._far_above_pixels = far_above_pixels
        self._far_pixels = far_pixels

    def maps(
        self,
        pictures: Sequence[Planes],
        memories: Sequence[Mapping[str, NDArray[np.float32]] | None],
        names: Sequence[str],
    ) -> list[Look | None]:
        """The stronger of both views at each place, with what was seen pixel by pixel."""
        large = [
            index
            for index, (picture, memory) in enumerate(zip(pictures, memories, strict=True))
            if self._is_large(picture) and (memory is None or _remembers(memory, _far_name(names[index])))
        ]
        far = [self._from_afar(pictures[index]) for index in large]
        found = self._detector.maps(
            [*pictures, *far],
            [*memories, *(memories[index] for index in large)],
            [*names, *(_far_name(names[index]) for index in large)],
        )
        joined = found[: len(pictures)]
        for index, distant in zip(large, found[len(pictures) :], strict=True):
            near = joined[index]
            if near is not None and distant is not None:
                joined[index] = replace(near, anomaly=_joined(near.anomaly, distant.anomaly))
        return joined

    def build(self, pictures: Sequence[Planes], name: str, *, spec: LineSpec) -> BuiltMemory:
        """A memory per view; calibrated on the joined maps. References of one line are large or small together."""
        near = self._detector.build(pictures, name, spec=spec)
        if not any(self._is_large(picture) for picture in pictures):
            return near
        afar = [self._from_afar(picture) for picture in pictures]
        far = self._detector.build(afar, _far_name(name), spec=spec)
        left_out = [
            replace(own, anomaly=_joined(own.anomaly, distant.anomaly))
            for own, distant in zip(near.left_out, far.left_out, strict=True)
        ]
        return BuiltMemory(
            tensors={**near.tensors, **far.tensors},
            calibration=calibrated([look.anomaly for look in left_out], self.score),
            left_out=left_out,
        )

    def _is_large(self, picture: Planes) -> bool:
        height, width = picture.values.shape[-2:]
        return bool(height * width > self._far_above_pixels)

    def _from_afar(self, picture: Planes) -> Planes:
        pixels = shrink(np.ascontiguousarray(picture.values.transpose(1, 2, 0)), self._far_pixels)
        valid = None
        if picture.valid is not None:
            size = (pixels.shape[1], pixels.shape[0])
            share = cv2.resize(picture.valid.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            valid = np.asarray(share > 0.5, np.bool_)
        values = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        return stretched(replace(picture, values=values, valid=valid), MULTIPLE_PX)


def _remembers(memory: Mapping[str, NDArray[np.float32]], name: str) -> bool:
    """References may have been smaller than this part: then nothing is known from afar."""
    return any(tensor.startswith(f"{name}.") for tensor in memory)


def _far_name(name: str) -> str:
    return f"{name}.{_FAR}"


def _joined(near: Map, far: Map) -> Map:
    size = (near.shape[1], near.shape[0])
    return np.asarray(np.maximum(near, cv2.resize(far, size, interpolation=cv2.INTER_LINEAR)), np.float32)
