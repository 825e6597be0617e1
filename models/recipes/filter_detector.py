"""The detector of one kind of picture by fixed filters: planes -> features -> distance map."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from models.backbones.filter_bank import FilterBank
from models.backbones.planes import Planes
from models.ground.image_score import image_score
from models.ground.self_reference import SelfReferenceSettings, self_distance_map
from models.memory.calibration import calibrated
from models.memory.patch_memory import Map, MemorySettings, PatchFeatures, PatchMemory, build_patch_memory
from models.recipes.built_memory import BuiltMemory
from models.recipes.look import Look
from wire.line_state import LineSpec

# A patch must see this share of returns to be judged.
_VALID_SHARE = 0.5


class FilterDetector:
    """See ``PictureDetector``. Owns device, batch and ``inference_mode`` for one set of filters."""

    def __init__(
        self,
        *,
        filters: FilterBank,
        memory: MemorySettings,
        zero_shot: SelfReferenceSettings,
        batch_pixels: int,
        device: torch.device,
    ) -> None:
        self._filters = filters.to(device).eval()
        self._memory = memory
        self._zero_shot = zero_shot
        self._batch_pixels = batch_pixels
        self._device = device

    @property
    def patch_px(self) -> int:
        """Pixels of the working picture per map value, both ways."""
        return self._filters.stride_px

    @property
    def least_references(self) -> int:
        """Two: one of them is left out."""
        return 2

    @property
    def zero_shot_level(self) -> float:
        """Robust sigma of the picture's own distances from which a place stands out."""
        return self._zero_shot.map_sigma

    def can_judge(self, picture: Planes) -> bool:
        """Whether at least one patch of ``picture`` saw enough of the part."""
        valid = self._valid(picture)
        return valid is None or bool(valid.any())

    def score(self, anomaly: Map) -> float:
        """The score of an image from its map: the peak."""
        return image_score(anomaly, 0.0)

    def features(self, pictures: Sequence[Planes]) -> list[PatchFeatures]:
        """Features of every picture, in order; pictures of one shape share a pass."""
        found: dict[int, PatchFeatures] = {}
        shapes: dict[tuple[int, ...], list[int]] = {}
        for index, picture in enumerate(pictures):
            shapes.setdefault(picture.values.shape, []).append(index)
        with torch.inference_mode():
            for shape, indices in shapes.items():
                per_pass = max(1, self._batch_pixels // (shape[1] * shape[2]))
                for start in range(0, len(indices), per_pass):
                    chunk = indices[start : start + per_pass]
                    batch = torch.from_numpy(np.stack([pictures[i].values for i in chunk])).to(self._device)
                    values = self._filters(batch)  # (B, C, h, w)
                    for index, own in zip(chunk, values, strict=True):
                        found[index] = PatchFeatures(values=own, valid=self._valid(pictures[index]))
        return [found[index] for index in range(len(pictures))]

    def maps(
        self,
        pictures: Sequence[Planes],
        memories: Sequence[Mapping[str, NDArray[np.float32]] | None],
        names: Sequence[str],
    ) -> list[Look | None]:
        """One anomaly map per picture, against ``memories[i]`` (tensors of a line state) or, if None, against itself.

        None for a picture without a single valid patch.
        """
        looks: list[Look | None] = []
        with torch.inference_mode():
            for features, tensors, name in zip(self.features(pictures), memories, names, strict=True):
                if features.valid is not None and not bool(features.valid.any()):
                    looks.append(None)
                elif tensors is None:
                    looks.append(Look(anomaly=self_distance_map(features, self._zero_shot)))
                else:
                    memory = PatchMemory.from_tensors(tensors, name, self._memory, self._device)
                    looks.append(Look(anomaly=memory.anomaly_map(features)))
        return looks

    def build(self, pictures: Sequence[Planes], name: str, *, spec: LineSpec) -> BuiltMemory:
        """The memory of good pictures; ValueError with fewer than two usable ones."""
        with torch.inference_mode():
            memory, left_out = build_patch_memory(self.features(pictures), self._memory, max_vectors=spec.max_vectors)
            return BuiltMemory(
                tensors=memory.tensors(name),
                calibration=calibrated(left_out, self.score),
                left_out=[Look(anomaly=each) for each in left_out],
            )

    def _valid(self, picture: Planes) -> torch.Tensor | None:
        if picture.valid is None:
            return None
        patch = self._filters.stride_px
        known = torch.from_numpy(picture.valid).to(self._device, torch.float32)[None, None]
        padding = (0, -known.shape[-1] % patch, 0, -known.shape[-2] % patch)
        share = F.avg_pool2d(F.pad(known, padding), patch)[0, 0]  # (h, w)
        return share >= _VALID_SHARE
