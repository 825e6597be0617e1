"""Every recipe's Inspector: pictures, depth, point clouds and sensor windows of a part to one finding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import cv2
import numpy as np
from numpy.typing import NDArray

from models.backbones.planes import Planes, on_camera_grid
from models.fuse.judgement import Judgement, judge_remembered, judge_zero_shot
from models.fuse.verdict import fuse, rate_per_modality
from models.ground.threshold import map_threshold
from models.kinds.classifier import KindClassifier
from models.kinds.lessons import classes_of
from models.kinds.seen_picture import SeenPicture
from models.memory.calibration import calibrate, map_quantile
from models.memory.sensor_memory import SensorMemory, build_sensor_memory, excursion_sigma
from models.recipes.look import Look
from models.recipes.part_views import DepthPlanes, View, depth_views, image_views
from models.recipes.picture_detector import PictureDetector
from models.recipes.senses import Senses
from models.recipes.sight import Sight
from models.recipes.teaching import Eye, Teacher
from models.refine.regions import Marking, regions_of, upsample
from wire.errors import ConfigurationError
from wire.finding import Finding, ModalityState, ModalityVerdict, Mode, Picture, Reading, Region, Verdict
from wire.frame import SENSOR
from wire.lesson import Lesson
from wire.line_state import Calibration, LineSpec, LineState, StateMetadata, tensors_digest
from wire.part import Part

# Tensor of a memory that names references: of each of its pictures, the number of the reference that it came from.
_ORIGINS: Final = "origins"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """A picture's map with what was made of it; ``normal_level``: map value that good parts hardly exceed anywhere."""

    judgement: Judgement
    view: View
    look: Look
    normal_level: float
    patch_px: int
    is_image: bool


@dataclass(frozen=True, eq=False)
class _Judged:
    """A picture's map and score."""

    view: View
    look: Look
    score: float
    detector: PictureDetector


class PartInspector:
    """See ``wire.inspector.Inspector``. A state of another model digest is not used: the part is judged zero-shot."""

    def __init__(
        self,
        *,
        recipe: Senses,
        digest: str,
        sight: Sight,
        depths: PictureDetector,
        depth_planes: DepthPlanes,
        kinds_on_depth: KindClassifier | None = None,
    ) -> None:
        self._recipe = recipe
        self._digest = digest
        self._images = sight.detector
        self._depths = depths
        self._kinds = sight.kinds
        self._kinds_on_depth = kinds_on_depth
        self._reader = sight.reader
        self._image_planes = sight.planes
        self._depth_planes = depth_planes
        self._zero_shot_thresholds = {
            sight.detector: sight.zero_shot_threshold,
            depths: recipe.zero_shot.threshold_sigma,
        }

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return self._recipe.name

    @property
    def digest(self) -> str:
        """sha256 over the recipe's numbers, the filters and the weights."""
        return self._digest

    def inspect(self, parts: Sequence[Part], states: Sequence[LineState | None]) -> list[Finding]:
        """One finding per part, in order. ValueError if the numbers of parts and states differ."""
        if len(parts) != len(states):
            raise ValueError(f"{len(parts)} parts but {len(states)} states")
        usable = [state if state and state.metadata.model_digest == self._digest else None for state in states]
        anomalies: list[list[_Judged]] = [[] for _ in parts]
        images = [view for i, part in enumerate(parts) for view in self._image_views(i, part)]
        depths = [view for i, part in enumerate(parts) for view in self._depth_views(i, part)]
        for detector, views in ((self._images, images), (self._depths, depths)):
            memories = []
            for view in views:
                state = usable[view.part]
                known = state is not None and view.modality in state.metadata.calibrations
                memories.append(state.tensors if state is not None and known else None)
            looks = detector.maps([view.planes for view in views], memories, [view.modality for view in views])
            for view, look in zip(views, looks, strict=True):
                if look is not None:
                    score = detector.score(look.anomaly) if look.score is None else look.score
                    anomalies[view.part].append(_Judged(view, look, score, detector))
        return [self._finding(*each) for each in zip(parts, usable, anomalies, strict=True)]

    def build_state(self, references: Sequence[Part], spec: LineSpec, *, product: str = "") -> LineState:
        """Build a state (version 0) from good parts. A modality is remembered once enough references have it.

        ValueError if no modality can be remembered: filters and sensors need two references, networks one.
        """
        tensors: dict[str, NDArray[np.float32]] = {}
        calibrations: dict[str, Calibration] = {}
        for detector, make_views in ((self._images, self._image_views), (self._depths, self._depth_views)):
            pictures: dict[str, list[Planes]] = {}
            origins: dict[str, list[int]] = {}
            for index, part in enumerate(references):
                for view in make_views(index, part):
                    if detector.can_judge(view.planes):
                        pictures.setdefault(view.modality, []).append(view.planes)
                        origins.setdefault(view.modality, []).append(index)
            for modality, usable in sorted(pictures.items()):
                if len(usable) >= detector.least_references:
                    built = detector.build(usable, modality, spec=spec)
                    tensors |= built.tensors
                    calibrations[modality] = built.calibration
                    if built.names_references:
                        tensors[f"{modality}.{_ORIGINS}"] = np.asarray(origins[modality], np.float32)
        windows = [part.sensor for part in references if part.sensor is not None]
        memory, scores = build_sensor_memory(windows, self._recipe.sensors)
        if len(scores) >= 2:
            tensors |= memory.tensors()
            calibrations[SENSOR] = calibrate(scores)
        if not calibrations:
            raise ValueError(f"{len(references)} references: no modality can be judged in enough of them")
        metadata = StateMetadata(
            line=spec.line,
            product=product,
            version=0,
            recipe=self.recipe,
            model_digest=self._digest,
            spec=spec,
            calibrations=calibrations,
            references=tuple(part.inspection_id for part in references),
            digest=tensors_digest(tensors),
            created_at=datetime.now(UTC),
            reading=None if self._reader is None else self._reader.reading(spec, references[0].learned_words),
        )
        return LineState(metadata=metadata, tensors=tensors)

    def check_words(self, file: bytes) -> None:
        """See ``ReadingInspector.check_words``."""
        if self._reader is None:
            raise ValueError(f"recipe {self.recipe} compares nothing with words")
        try:
            self._reader.check_words(file)
        except ConfigurationError as error:
            raise ValueError(str(error)) from error

    def teach(self, state: LineState, lessons: Sequence[Lesson], goods: Sequence[Part]) -> LineState:
        """See ``Inspector.teach``."""
        if self._kinds is None:
            advice = "a class can be taught where the recipe has a section 'kinds', as embedded has"
            raise ValueError(f"recipe {self.recipe} gives regions no types: {advice}")
        if state.metadata.model_digest != self._digest:
            raise ValueError(f"version {state.metadata.version} was made by another model")
        on_depth = self._kinds_on_depth or self._kinds
        eyes = (
            Eye(detector=self._images, views=self._image_views, kinds=self._kinds),
            Eye(detector=self._depths, views=self._depth_views, kinds=on_depth),
        )
        return Teacher(eyes=eyes).teach(state, lessons, goods)

    def _image_views(self, index: int, part: Part) -> list[View]:
        return image_views(index, part, self._image_planes)

    def _depth_views(self, index: int, part: Part) -> list[View]:
        return depth_views(index, part, self._depth_planes, self._recipe.geometry)

    def _finding(self, part: Part, state: LineState | None, anomalies: Sequence["_Judged"]) -> Finding:
        sensor_score = self._sensor_score(part, state)
        judged = {each.view.modality for each in anomalies} | ({SENSOR} if sensor_score is not None else set())
        remembered = judged & set(state.metadata.calibrations) if state else set()
        # Without any memory all vote; with one, a modality that it does not know has no calibrated say.
        voting = frozenset(remembered or judged)
        seen: list[_Seen] = []
        for each in anomalies:
            modality = each.view.modality
            level = each.detector.zero_shot_level
            if state is not None and modality in remembered:
                level = map_quantile(state.metadata.calibrations[modality])
            judgement = _judge(modality, each.score, state, voting, self._zero_shot_thresholds[each.detector])
            seen.append(
                _Seen(
                    judgement=judgement,
                    view=each.view,
                    look=each.look,
                    normal_level=level,
                    patch_px=each.detector.patch_px,
                    is_image=each.detector is self._images,
                )
            )
        judgements = [each.judgement for each in seen]
        if sensor_score is not None:
            limit = self._recipe.sensors.zero_shot_sigma
            judgements.append(_judge(SENSOR, sensor_score, state, voting, limit))
        pictures: dict[str, Picture] = {}
        regions: list[Region] = []
        for one in seen:
            pictures[one.view.modality], found = self._picture(one, state)
            regions.extend(r.model_copy(update={"index": len(regions) + k}) for k, r in enumerate(found))
        fused = fuse(judgements)
        readings = self._readings(part, state, anomalies)
        return Finding(
            verdict=fused.verdict,
            score=fused.score,
            threshold=fused.threshold,
            mode=Mode.MEMORY if remembered else Mode.ZERO_SHOT,
            modalities=_verdicts(part, state, judgements, {each.view.modality: each.look for each in seen}, readings),
            regions=tuple(regions),
            pictures=pictures,
        )

    def _readings(self, part: Part, state: LineState | None, anomalies: Sequence[_Judged]) -> dict[str, Reading]:
        """By modality: how its image was seen and read. A memory was built with the words that its state keeps."""
        if self._reader is None:
            return {}
        by_line = self._reader.reading(part.spec, part.learned_words)
        by_state, known = by_line, set()
        if state is not None:
            # A state from before states said so was built without learned words.
            by_state = state.metadata.reading or self._reader.reading(state.metadata.spec, b"")
            known = set(state.metadata.calibrations)
        images = [each.view.modality for each in anomalies if each.detector is self._images]
        return {name: by_state if name in known else by_line for name in images}

    def _sensor_score(self, part: Part, state: LineState | None) -> float | None:
        if part.sensor is None:
            return None
        if state is None or SENSOR not in state.metadata.calibrations:
            return excursion_sigma(part.sensor)
        return SensorMemory.from_tensors(state.tensors).score(part.sensor)

    def _picture(self, seen: _Seen, state: LineState | None) -> tuple[Picture, list[Region]]:
        limit, planes, anomaly = seen.judgement.threshold, seen.view.planes, seen.look.anomaly
        if limit is None or seen.judgement.verdict is not Verdict.DEFECT:
            # Nothing of a good part's map exceeds its image threshold, so nothing is marked or drawn hot.
            mask = np.zeros(planes.size, np.bool_)
            return Picture(map=anomaly, mask=mask, map_threshold=seen.normal_level if limit is None else limit), []
        tau = map_threshold(anomaly, seen.normal_level, limit)
        worked = planes.values.shape[-2:]
        patch_px = (seen.patch_px * planes.size[0] / worked[0], seen.patch_px * planes.size[1] / worked[1])
        numbers, regions = regions_of(
            upsample(anomaly, planes.size, patch_px),
            Marking(tau=tau, image_threshold=limit, patch_area_px=patch_px[0] * patch_px[1]),
            modality=seen.view.modality,
            grey=seen.view.grey(),
            mm_per_px=seen.view.mm_per_px,
            # Finer than the pixels that the detector worked on there is nothing to sharpen.
            planes=on_camera_grid(planes),
            sharpening=self._recipe.sharpening,
        )
        coarse = None if seen.look.coarse_mask is None else _on_camera(seen.look.coarse_mask, planes.size)
        picture = Picture(map=anomaly, mask=numbers > 0, map_threshold=tau, coarse_mask=coarse)
        return picture, self._named(regions, numbers, seen, state)

    def _named(
        self, regions: list[Region], numbers: NDArray[np.uint8], seen: _Seen, state: LineState | None
    ) -> list[Region]:
        """The regions with their types, where a network saw them.

        In depth by a classifier of its own (in an image a dent is light and shade, in depth a height); without one only
        those that people taught.
        """
        features = seen.look.features
        kinds = self._kinds if seen.is_image or self._kinds_on_depth is None else self._kinds_on_depth
        if kinds is None or features is None:
            return regions
        knows_vocabulary = seen.is_image or self._kinds_on_depth is not None
        picture = SeenPicture(features=features, pixels=seen.view.planes.values, numbers=numbers)
        taught = classes_of(state, seen.view.modality, kinds.limits) if state else []
        if not knows_vocabulary and not taught:
            return regions
        names = kinds.name(picture, len(regions), taught, knows_vocabulary=knows_vocabulary)
        return [
            region.model_copy(update={"type": named.type, "type_probability": named.probability})
            for region, named in zip(regions, names, strict=True)
        ]


def _judge(
    modality: str, score: float, state: LineState | None, voting: frozenset[str], zero_shot_limit: float | None
) -> Judgement:
    calibration = state.metadata.calibrations.get(modality) if state else None
    if state is None or calibration is None:
        return judge_zero_shot(modality, score, zero_shot_limit, votes=modality in voting)
    rate = rate_per_modality(state.metadata.spec.false_alarm_rate, len(voting))
    return judge_remembered(modality, score, calibration, rate, state.metadata.manual_thresholds)


def _on_camera(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(h, w) of the working picture -> (H, W) of the camera's."""
    return cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST) > 0


def _closest(state: LineState | None, looks: Mapping[str, Look]) -> dict[str, UUID]:
    """By modality: the reference that a picture resembles most, where its memory keeps whole ones."""
    if state is None:
        return {}
    return {
        name: state.metadata.references[int(state.tensors[f"{name}.{_ORIGINS}"][look.reference])]
        for name, look in looks.items()
        if look.reference is not None
    }


def _verdicts(
    part: Part,
    state: LineState | None,
    judged: Sequence[Judgement],
    looks: Mapping[str, Look],
    readings: Mapping[str, Reading],
) -> tuple[ModalityVerdict, ...]:
    """One verdict per modality that was judged, came or was expected, judged ones first."""
    closest = _closest(state, looks)
    confidences = {name: look.mask_confidence for name, look in looks.items()}
    verdicts = [
        ModalityVerdict(
            modality=j.modality,
            state=ModalityState.USED,
            verdict=j.verdict,
            score=j.score,
            threshold=j.threshold,
            mode=j.mode,
            deviation=j.deviation,
            threshold_extrapolated=j.extrapolated,
            shots=len(state.metadata.references) if state is not None and j.mode is Mode.MEMORY else 0,
            closest_reference=closest.get(j.modality),
            reading=readings.get(j.modality),
            mask_confidence=confidences.get(j.modality),
        )
        for j in judged
    ]
    known = {j.modality for j in judged}
    expected = state.metadata.spec.expected_modalities if state else ()
    for modality in (*part.modalities, *part.missing, *expected):
        if modality not in known:
            known.add(modality)
            verdicts.append(ModalityVerdict(modality=modality, state=ModalityState.MISSING, verdict=Verdict.UNKNOWN))
    return tuple(verdicts)
