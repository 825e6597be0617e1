"""The embedded recipe's Inspector: pictures, depth, point clouds and sensor windows of a part to one finding."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from models.backbones.geometry import depth_planes, height_picture
from models.backbones.planes import Planes, image_planes
from models.backbones.point_grid import cloud_depth_mm
from models.fuse.verdict import FUSED, Judgement, fuse, rate_per_modality
from models.ground.regions import regions_of, upsample
from models.ground.threshold import map_threshold
from models.memory.calibration import calibrate, deviation, map_quantile, normal_threshold
from models.memory.patch_memory import Map
from models.memory.sensor_memory import SensorMemory, build_sensor_memory, excursion_sigma
from models.recipes.picture_detector import PictureDetector
from models.recipes.recipe import Recipe
from wire.finding import Finding, ModalityState, ModalityVerdict, Mode, Picture, Region, Verdict
from wire.frame import SENSOR
from wire.image_codec import to_u8
from wire.line_state import Calibration, LineSpec, LineState, StateMetadata, tensors_digest
from wire.part import Part


@dataclass(frozen=True, kw_only=True, eq=False)
class _View:
    """One picture of one part: planes for the detector, grey levels for the facts (made only when needed)."""

    part: int
    modality: str
    planes: Planes
    patch_px: int
    grey: Callable[[], NDArray[np.uint8]]
    mm_per_px: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """A judged modality with its picture, if it has one."""

    judgement: Judgement
    view: _View | None = None
    anomaly: Map | None = None
    normal_level: float = 0.0


class EmbeddedInspector:
    """See ``wire.inspector.Inspector``. A state of another model digest is not used: the part is judged zero-shot."""

    def __init__(self, *, recipe: Recipe, digest: str, images: PictureDetector, depths: PictureDetector) -> None:
        self._recipe = recipe
        self._digest = digest
        self._images = images
        self._depths = depths

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return self._recipe.name

    @property
    def digest(self) -> str:
        """sha256 over the recipe's numbers and the filters."""
        return self._digest

    def inspect(self, parts: Sequence[Part], states: Sequence[LineState | None]) -> list[Finding]:
        """One finding per part, in order. ValueError if the numbers of parts and states differ."""
        if len(parts) != len(states):
            raise ValueError(f"{len(parts)} parts but {len(states)} states")
        usable = [state if state and state.metadata.model_digest == self._digest else None for state in states]
        image_views = [view for i, part in enumerate(parts) for view in self._image_views(i, part)]
        depth_views = [view for i, part in enumerate(parts) for view in self._depth_views(i, part)]
        maps = [
            *self._maps(self._images, image_views, usable),
            *self._maps(self._depths, depth_views, usable),
        ]
        anomalies: dict[int, list[tuple[_View, Map]]] = {}
        for view, anomaly in zip([*image_views, *depth_views], maps, strict=True):
            if anomaly is not None:
                anomalies.setdefault(view.part, []).append((view, anomaly))
        return [
            self._finding(part, state, anomalies.get(index, []))
            for index, (part, state) in enumerate(zip(parts, usable, strict=True))
        ]

    def build_state(self, references: Sequence[Part], spec: LineSpec, *, product: str = "") -> LineState:
        """Build a state (version 0) from good parts. A modality is remembered once two references have it.

        ValueError with fewer than two references, or if no modality can be remembered.
        """
        if len(references) < 2:
            raise ValueError(f"{len(references)} references; a line state needs at least 2")
        tensors: dict[str, NDArray[np.float32]] = {}
        calibrations: dict[str, Calibration] = {}
        for detector, make_views in ((self._images, self._image_views), (self._depths, self._depth_views)):
            views: dict[str, list[Planes]] = {}
            for index, part in enumerate(references):
                for view in make_views(index, part):
                    views.setdefault(view.modality, []).append(view.planes)
            for modality, pictures in sorted(views.items()):
                usable = [planes for planes in pictures if planes.valid is None or bool(planes.valid.any())]
                if len(usable) >= 2:
                    built = detector.build(usable, modality, max_vectors=spec.max_vectors)
                    tensors |= built.tensors
                    calibrations[modality] = built.calibration
        windows = [part.sensor for part in references if part.sensor is not None]
        if len(windows) >= 2:
            memory, scores = build_sensor_memory(windows, self._recipe.sensors)
            tensors |= memory.tensors()
            calibrations[SENSOR] = calibrate(scores)
        if not calibrations:
            raise ValueError(f"no modality is present in two of the {len(references)} references")
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
        )
        return LineState(metadata=metadata, tensors=tensors)

    def _image_views(self, index: int, part: Part) -> list[_View]:
        def grey(name: str) -> Callable[[], NDArray[np.uint8]]:
            return lambda: np.asarray(cv2.cvtColor(to_u8(part.images[name]), cv2.COLOR_RGB2GRAY), np.uint8)

        return [
            _View(
                part=index,
                modality=name,
                planes=image_planes(part.images[name], max_pixels=self._recipe.max_pixels),
                patch_px=self._images.patch_px,
                grey=grey(name),
                mm_per_px=part.mm_per_px,
            )
            for name in sorted(part.images)
        ]

    def _depth_views(self, index: int, part: Part) -> list[_View]:
        depths = {name: cloud_depth_mm(cloud) for name, cloud in sorted(part.clouds.items())}
        if part.depth_mm is not None:
            depths["depth"] = part.depth_mm

        def grey(name: str) -> Callable[[], NDArray[np.uint8]]:
            return lambda: height_picture(depths[name], self._recipe.geometry)

        return [
            _View(
                part=index,
                modality=name,
                planes=depth_planes(depths[name], self._recipe.geometry, max_pixels=self._recipe.max_pixels),
                patch_px=self._depths.patch_px,
                grey=grey(name),
                mm_per_px=None,
            )
            for name in sorted(depths)
        ]

    def _maps(
        self, detector: PictureDetector, views: Sequence[_View], states: Sequence[LineState | None]
    ) -> list[Map | None]:
        memories = []
        for view in views:
            state = states[view.part]
            known = state is not None and view.modality in state.metadata.calibrations
            memories.append(state.tensors if state is not None and known else None)
        return detector.maps([view.planes for view in views], memories, [view.modality for view in views])

    def _finding(self, part: Part, state: LineState | None, anomalies: Sequence[tuple[_View, Map]]) -> Finding:
        voting = self._voting(part, state, anomalies)
        seen = [self._judge_picture(view, anomaly, state, voting) for view, anomaly in anomalies]
        sensor = self._judge_sensor(part, state, voting)
        if sensor is not None:
            seen.append(_Seen(judgement=sensor))
        fused = fuse([s.judgement for s in seen])
        pictures: dict[str, Picture] = {}
        regions: list[Region] = []
        for s in seen:
            if s.view is not None and s.anomaly is not None:
                picture, found = self._picture(s, s.view, s.anomaly)
                pictures[s.view.modality] = picture
                regions.extend(r.model_copy(update={"index": len(regions) + k}) for k, r in enumerate(found))
        remembered = any(s.judgement.mode is Mode.MEMORY for s in seen)
        return Finding(
            verdict=fused.verdict,
            score=fused.score,
            threshold=fused.threshold,
            mode=Mode.MEMORY if remembered else Mode.ZERO_SHOT,
            modalities=_verdicts(part, state, [s.judgement for s in seen]),
            regions=tuple(regions),
            pictures=pictures,
        )

    @staticmethod
    def _voting(part: Part, state: LineState | None, anomalies: Sequence[tuple[_View, Map]]) -> frozenset[str]:
        """The modalities that decide: those with a memory; without any memory, all."""
        judged = {view.modality for view, _ in anomalies} | ({SENSOR} if part.sensor is not None else set())
        remembered = judged & set(state.metadata.calibrations) if state else set()
        return frozenset(remembered or judged)

    def _judge_picture(self, view: _View, anomaly: Map, state: LineState | None, voting: frozenset[str]) -> _Seen:
        score = float(anomaly.max())
        calibration = state.metadata.calibrations.get(view.modality) if state else None
        if state is None or calibration is None:
            settings = self._recipe.zero_shot
            judgement = _zero_shot(view.modality, score, settings.threshold_sigma, votes=view.modality in voting)
            return _Seen(judgement=judgement, view=view, anomaly=anomaly, normal_level=settings.map_sigma)
        judgement = _remembered(view.modality, score, calibration, state.metadata, len(voting))
        return _Seen(judgement=judgement, view=view, anomaly=anomaly, normal_level=map_quantile(calibration))

    def _judge_sensor(self, part: Part, state: LineState | None, voting: frozenset[str]) -> Judgement | None:
        if part.sensor is None:
            return None
        calibration = state.metadata.calibrations.get(SENSOR) if state else None
        if state is None or calibration is None:
            excursion = excursion_sigma(part.sensor)
            limit = self._recipe.sensors.zero_shot_sigma
            return None if excursion is None else _zero_shot(SENSOR, excursion, limit, votes=SENSOR in voting)
        score = SensorMemory.from_tensors(state.tensors).score(part.sensor)
        return None if score is None else _remembered(SENSOR, score, calibration, state.metadata, len(voting))

    def _picture(self, seen: _Seen, view: _View, anomaly: Map) -> tuple[Picture, list[Region]]:
        judgement = seen.judgement
        if judgement.verdict is not Verdict.DEFECT:
            # Nothing of a good part's map exceeds its image threshold, so nothing is marked or drawn hot.
            mask = np.zeros(view.planes.size, np.bool_)
            return Picture(map=anomaly, mask=mask, map_threshold=judgement.threshold), []
        tau = map_threshold(anomaly, seen.normal_level, judgement.threshold)
        worked = view.planes.values.shape[-2:]
        height, width = view.planes.size
        patch_px = (view.patch_px * height / worked[0], view.patch_px * width / worked[1])
        mask, regions = regions_of(
            upsample(anomaly, view.planes.size, patch_px),
            view.grey(),
            modality=view.modality,
            tau=tau,
            image_threshold=judgement.threshold,
            patch_area_px=patch_px[0] * patch_px[1],
            mm_per_px=view.mm_per_px,
        )
        return Picture(map=anomaly, mask=mask, map_threshold=tau), regions


def _zero_shot(modality: str, score: float, threshold: float, *, votes: bool) -> Judgement:
    return Judgement(
        modality=modality,
        mode=Mode.ZERO_SHOT,
        score=score,
        threshold=threshold,
        deviation=score,  # already in robust sigma of the part itself
        deviation_threshold=threshold,
        votes=votes,
    )


def _remembered(
    modality: str, score: float, calibration: Calibration, metadata: StateMetadata, voting: int
) -> Judgement:
    rate = rate_per_modality(metadata.spec.false_alarm_rate, voting)
    manual: Mapping[str, float] = metadata.manual_thresholds
    if modality in manual:
        threshold = manual[modality]
    elif FUSED in manual:
        threshold = calibration.location + manual[FUSED] * calibration.scale
    else:
        threshold = normal_threshold(calibration, rate).value
    return Judgement(
        modality=modality,
        mode=Mode.MEMORY,
        score=score,
        threshold=threshold,
        deviation=deviation(calibration, score),
        deviation_threshold=deviation(calibration, threshold),
    )


def _verdicts(part: Part, state: LineState | None, judged: Sequence[Judgement]) -> tuple[ModalityVerdict, ...]:
    """One verdict per modality that was judged, came or was expected, judged ones first."""
    verdicts = [
        ModalityVerdict(
            modality=j.modality,
            state=ModalityState.USED,
            verdict=j.verdict,
            score=j.score,
            threshold=j.threshold,
            mode=j.mode,
            deviation=j.deviation,
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
