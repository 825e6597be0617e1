"""The detector of one kind of picture by the shipped networks: student, banks at two scales, decoder."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.backbones.picture_features import PictureFeatures
from models.backbones.planes import Planes, mirror_image
from models.backbones.student import FINE_STRIDE_PX, Student, StudentFeatures
from models.ground.anomaly_scale import AnomalyScale, fit_scale
from models.ground.decoder import Decoder, gather
from models.ground.image_score import image_score
from models.ground.own_contrast import raised_by_own_contrast
from models.memory.calibration import calibrated, newcomers_share
from models.memory.coreset import CoresetSettings
from models.memory.feature_learning import MIRRORS, build_feature_memory
from models.memory.feature_memory import Comparison, FeatureMemory, compare_in_memories
from models.memory.patch_memory import Map
from models.memory.resident_banks import ResidentBanks
from models.recipes.built_memory import BuiltMemory
from models.recipes.look import Look
from models.settings import PartSettings
from wire.line_state import LineSpec

# A patch must see this share of returns to be judged.
_VALID_SHARE = 0.5
_MAP_STRIDE_PX = 4


class NetworkSettings(PartSettings):
    """``weights``: a file beside the recipe.

    ``least_pixels``: smaller pictures are enlarged to about this area; ``max_pixels``: larger ones are averaged down.
    ``far_above_pixels``: larger pictures are also seen from afar, shrunk to ``far_pixels``.
    ``mirrored_below``: fewer references than this are remembered as mirror images, too, unless one of them is larger
    than ``far_above_pixels`` or the line's parts lie in a fixture (``LineSpec.matching``: aligned).
    ``scored_share``: an image's score is the mean of this share of its map, from the top, of ``scored_places`` places
    at most. ``decoder_weight``: share of the decoder in the map, the rest is the distance to the memory.
    ``own_contrast_weight``: without a memory, logits per e-fold of a place's distance from the part's own mean;
    ``own_contrast_weight_on_depth``: of height maps.
    """

    weights: str
    sha256: str
    least_pixels: int
    max_pixels: int
    far_above_pixels: int
    far_pixels: int
    mirrored_below: int
    scored_share: float
    scored_places: int
    decoder_weight: float
    own_contrast_weight: float
    own_contrast_weight_on_depth: float
    zero_shot_level: float
    coreset: CoresetSettings


class NetworkDetector:
    """See ``PictureDetector``. Pictures in multiples of ``MULTIPLE_PX`` (``stretched``), else ShapeError.

    Owns device, batch and ``inference_mode``. ``banks``: those of lines that are on the device already.
    """

    def __init__(
        self,
        *,
        student: Student,
        decoder: Decoder,
        settings: NetworkSettings,
        banks: ResidentBanks[FeatureMemory],
        batch_pixels: int,
        device: torch.device,
    ) -> None:
        self._student = student
        self._decoder = decoder
        self._settings = settings
        self._banks = banks
        self._batch_pixels = batch_pixels
        self._device = device

    @property
    def patch_px(self) -> int:
        """Pixels of the working picture per map value, both ways."""
        return _MAP_STRIDE_PX

    @property
    def least_references(self) -> int:
        """One: its quarters are left out by turns."""
        return 1

    @property
    def zero_shot_level(self) -> float:
        """The decoder's probability from which a place stands out."""
        return self._settings.zero_shot_level

    def can_judge(self, picture: Planes) -> bool:
        """Whether at least one patch of ``picture`` saw enough of the part."""
        return _saw_any(self._valid(picture))

    def score(self, anomaly: Map) -> float:
        """The score of an image from its map."""
        return image_score(anomaly, self._settings.scored_share, self._settings.scored_places)

    def maps(
        self,
        pictures: Sequence[Planes],
        memories: Sequence[Mapping[str, NDArray[np.float32]] | None],
        names: Sequence[str],
    ) -> list[Look | None]:
        """One anomaly map per picture, against ``memories[i]`` (tensors of a line state) or, if None, against itself.

        With a memory: 0 as usual, 1 what one of 2000 places of good parts exceeds. Without one: a probability, by the
        decoder and by how unlike itself the part is there. With what the student saw. None for a picture without a
        single valid patch.
        """
        looks: list[Look | None] = [None] * len(pictures)
        with torch.inference_mode():
            known = self._banks.of(memories, names)
            for indices, features in self._batches(pictures):
                valids = [self._valid(pictures[i]) for i in indices]
                comparisons = compare_in_memories(features, [known[i] for i in indices], valids)
                evidence = gather(features, comparisons)
                logits = self._decoder(evidence)
                alone = raised_by_own_contrast(logits, evidence, self._settings.own_contrast_weight).sigmoid()
                anomalies = [
                    alone[position]
                    if comparison is None
                    else AnomalyScale.from_tensors(memories[index] or {}, names[index])(
                        logits[position], comparison, self._settings.decoder_weight
                    )
                    for position, (index, comparison) in enumerate(zip(indices, comparisons, strict=True))
                ]
                on_host = zip(indices, valids, _on_host(anomalies, valids), strict=True)
                for position, (index, valid, anomaly) in enumerate(on_host):
                    if _saw_any(valid):
                        looks[index] = Look(anomaly=anomaly, features=PictureFeatures.of(features, position))
        return looks

    def build(self, pictures: Sequence[Planes], name: str, *, spec: LineSpec) -> BuiltMemory:
        """The memory of good pictures; ValueError without a usable one."""
        aligned = spec.matching == "aligned"
        mirrored = not aligned and self._are_few(pictures)
        views = [*pictures, *(mirror_image(each, axes) for axes in MIRRORS for each in pictures if mirrored)]
        with torch.inference_mode():
            single: list[StudentFeatures | None] = [None] * len(views)
            for indices, features in self._batches(views):
                for position, index in enumerate(indices):
                    single[index] = features[position]
            known = [features for features in single if features is not None]
            valids = [self._valid(view) for view in views]
            memory, left_out = build_feature_memory(
                known,
                valids,
                self._settings.coreset,
                max_vectors=spec.max_vectors,
                mirrored=mirrored,
                aligned=aligned,
            )
            logits = self._left_out_logits(known, left_out.once)
            scale = fit_scale(logits, left_out.once)
            maps = self._scaled(scale, logits, left_out.once, valids)
            fewer = self._scaled(scale, self._left_out_logits(known, left_out.twice), left_out.twice, valids)
            share = newcomers_share(
                [self.score(each) for each in maps],
                [self.score(each) for each in fewer],
                references=len(pictures),
                left_out=left_out.at_once,
            )
            maps = [share * each for each in maps]
            return BuiltMemory(
                tensors={**memory.tensors(name), **scale.tensors(name)},
                calibration=calibrated(maps, self.score),
                left_out=[Look(anomaly=each) for each in maps],
            )

    def _are_few(self, pictures: Sequence[Planes]) -> bool:
        """Whether so little was seen that mirror images are worth their time: a large picture shows much by itself."""
        pixels = [picture.values.shape[-2] * picture.values.shape[-1] for picture in pictures]
        return len(pixels) < self._settings.mirrored_below and max(pixels, default=0) <= self._settings.far_above_pixels

    def _left_out_logits(self, known: Sequence[StudentFeatures], left_out: Sequence[Comparison]) -> list[Tensor]:
        """Of the first references, as many as were left out."""
        return [self._decoder(gather(own, [each]))[0] for own, each in zip(known, left_out, strict=False)]

    def _scaled(
        self,
        scale: AnomalyScale,
        logits: Sequence[Tensor],
        comparisons: Sequence[Comparison],
        valids: Sequence[Tensor | None],
    ) -> list[Map]:
        return [
            _on_host([scale(own, comparison, self._settings.decoder_weight)], [valid])[0]
            for own, comparison, valid in zip(logits, comparisons, valids, strict=False)
        ]

    def _batches(self, pictures: Sequence[Planes]) -> Iterator[tuple[list[int], StudentFeatures]]:
        """Pictures of one shape share a pass: (their indices, their features), one pass after the other."""
        shapes: dict[tuple[int, ...], list[int]] = {}
        for index, picture in enumerate(pictures):
            shapes.setdefault(picture.values.shape, []).append(index)
        for shape, indices in shapes.items():
            per_pass = max(1, self._batch_pixels // (shape[1] * shape[2]))
            for start in range(0, len(indices), per_pass):
                chunk = indices[start : start + per_pass]
                batch = torch.from_numpy(np.stack([pictures[i].values for i in chunk])).to(self._device)
                yield chunk, self._student(batch.contiguous(memory_format=torch.channels_last))

    def _valid(self, picture: Planes) -> Tensor | None:
        """(h, w) bool on the fine grid; None = all."""
        if picture.valid is None:
            return None
        known = torch.from_numpy(picture.valid).to(self._device, torch.float32)[None, None]
        return F.avg_pool2d(known, FINE_STRIDE_PX)[0, 0] >= _VALID_SHARE


def _saw_any(valid: Tensor | None) -> bool:
    """None = all patches saw enough."""
    return valid is None or bool(valid.any())


def _on_host(anomalies: Sequence[Tensor], valids: Sequence[Tensor | None]) -> list[Map]:
    """Maps of one shape on the CPU, by one transfer; 0 where nothing was seen."""
    factor = FINE_STRIDE_PX // _MAP_STRIDE_PX
    seen = [
        anomaly
        if valid is None
        else torch.where(valid.repeat_interleave(factor, 0).repeat_interleave(factor, 1), anomaly, 0)
        for anomaly, valid in zip(anomalies, valids, strict=True)
    ]
    return list(np.ascontiguousarray(torch.stack(seen).cpu().numpy(), np.float32))
