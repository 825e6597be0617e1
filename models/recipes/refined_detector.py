"""SAM behind a coarse detector: where the coarse map exceeds tau, SAM says where exactly (SYSTEMS A.4.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.backbones.planes import Planes
from models.ground.threshold import CoarseThreshold, coarse_threshold
from models.memory.calibration import MAP_LEVEL
from models.memory.patch_memory import Map
from models.recipes.built_memory import BuiltMemory, calibrated_looks
from models.recipes.enclosing_detector import EnclosingDetector
from models.recipes.look import Look
from models.recipes.picture_detector import PictureDetector
from models.recipes.samllava_recipe import MapForm
from models.refine.sam_refiner import FineMask, SamRefiner
from wire.line_state import LineSpec


class RefinedDetector(EnclosingDetector[PictureDetector]):
    """See ``PictureDetector``. Scores are those of the coarse map; its unit is the refined map's, too."""

    def __init__(
        self, detector: PictureDetector, refiner: SamRefiner, *, threshold: CoarseThreshold, form: MapForm
    ) -> None:
        super().__init__(detector)
        self._refiner = refiner
        self._threshold = threshold
        self._form = form

    def maps(
        self,
        pictures: Sequence[Planes],
        memories: Sequence[Mapping[str, NDArray[np.float32]] | None],
        names: Sequence[str],
    ) -> list[Look | None]:
        """The coarse stage's looks, refined where they mark anything."""
        coarse = self._detector.maps(pictures, memories, names)
        levels = [
            self.zero_shot_level if tensors is None else float(tensors[_level_name(name)][0])
            for tensors, name in zip(memories, names, strict=True)
        ]
        seen = [index for index, look in enumerate(coarse) if look is not None]
        looks = [look for look in coarse if look is not None]
        refined = self._refined([pictures[i] for i in seen], looks, [levels[i] for i in seen])
        found: list[Look | None] = list(coarse)
        for index, look in zip(seen, refined, strict=True):
            found[index] = look
        return found

    def build(self, pictures: Sequence[Planes], name: str, *, spec: LineSpec) -> BuiltMemory:
        """The coarse stage's memory, with the level that good parts' coarse maps hardly exceed."""
        built = self._detector.build(pictures, name, spec=spec)
        level = float(np.quantile(np.concatenate([look.anomaly.ravel() for look in built.left_out]), MAP_LEVEL))
        tensors = {**built.tensors, _level_name(name): np.array([level], np.float32)}
        if len(built.left_out) != len(pictures):
            return replace(built, tensors=tensors)
        looks = self._refined(pictures, built.left_out, [level] * len(pictures))
        return replace(built, tensors=tensors, calibration=calibrated_looks(looks, self.score), left_out=looks)

    def _refined(self, pictures: Sequence[Planes], coarse: Sequence[Look], levels: Sequence[float]) -> list[Look]:
        masks = [
            self._marked(look.anomaly, level, picture)
            for picture, look, level in zip(pictures, coarse, levels, strict=True)
        ]
        images = [np.ascontiguousarray(picture.values.transpose(1, 2, 0)) for picture in pictures]
        fine = self._refiner.refine(images, masks)
        return [self._look(*each) for each in zip(coarse, masks, fine, strict=True)]

    def _marked(self, anomaly: Map, level: float, picture: Planes) -> NDArray[np.bool_]:
        """M of 003 Eq. 1 in the pixels of the picture (H, W)."""
        tau = coarse_threshold(anomaly, level, self._threshold)
        height, width = picture.values.shape[-2:]
        rows, columns = (side * self.patch_px for side in anomaly.shape)
        full = cv2.resize(anomaly, (columns, rows), interpolation=cv2.INTER_LINEAR)[:height, :width]
        return np.asarray(full > tau, np.bool_)

    def _look(self, coarse: Look, mask: NDArray[np.bool_], fine: FineMask | None) -> Look:
        """The fine mask scaled to the coarse peak: maps of pictures that SAM saw and did not see share a unit."""
        score = self.score(coarse.anomaly) if coarse.score is None else coarse.score
        if fine is None:
            return replace(coarse, score=score)
        coarse = replace(coarse, coarse_mask=mask, mask_confidence=fine.iou)
        shape = coarse.anomaly.shape
        probability = np.asarray(
            cv2.resize(_filled_up(fine.probability, self.patch_px), (shape[1], shape[0]), interpolation=cv2.INTER_AREA),
            np.float32,
        )
        if self._form is MapForm.BINARY:
            probability = (probability > 0.5).astype(np.float32)
        peak = float(probability.max())
        if peak <= 0:
            return replace(coarse, score=score)
        anomaly = np.asarray(probability / peak * coarse.anomaly.max(), np.float32)
        return replace(coarse, anomaly=anomaly, score=score)


def _filled_up(values: Map, stride: int) -> Map:
    """(H, W) -> multiples of ``stride``, the last row and column repeated."""
    height, width = values.shape
    return np.pad(values, ((0, -height % stride), (0, -width % stride)), mode="edge")


def _level_name(name: str) -> str:
    return f"{name}.coarse_level"
