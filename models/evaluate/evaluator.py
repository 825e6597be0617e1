"""Detectors × numbers of references × draws × objects, through the port that the product uses.

For each draw: references are drawn from good images, a line state is built from the first k of them, every test image
is inspected with it, and its raw map is resized bilinearly to the evaluation's resolution. Maps and scores are never
scaled by what the test images hold. Without references there is nothing to draw, so 0 shots are one draw over all test
images.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.evaluate.detector import Detector
from models.evaluate.draws import Draw, Relation, draw_references, first_of_each_kind
from models.evaluate.figures import Figures, Spread, figures_of, mean_of, spread_of
from models.evaluate.loading import load_image, part_of, truth
from models.evaluate.metrics.pixel_scores import PixelScores
from models.evaluate.results import Conditions, DetectorResult, DrawResult, ObjectResult, ShotsResult
from models.evaluate.sample import GOOD, LabelledSet, ObjectSet, Sample
from wire.errors import ShapeError
from wire.finding import Finding
from wire.image_codec import Image
from wire.line_state import LineSpec, LineState

# Parts per call, as an inspect worker gathers them: more cost memory, fewer cost a pass each.
_BATCH: Final = 8
MEAN_OF_KINDS: Final = "mean of kinds"
POOLED: Final = "pooled"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run over the test images of one object."""

    detector: str
    shots: int
    draw: int
    object: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """One inspected test image; anomaly and mask (R, R) at the evaluation's resolution, mask None if not known."""

    sample: Sample
    image: Image
    anomaly: NDArray[np.float32]
    mask: NDArray[np.bool_] | None
    score: float


@dataclass(kw_only=True, eq=False)
class Scores:
    """What is kept of the images of one kind."""

    images: list[float] = field(default_factory=list)
    pixels: PixelScores = field(default_factory=PixelScores)


class Audience(Protocol):
    """Who watches an evaluation: progress, report."""

    def image_seen(self, cell: Cell, seen: Seen) -> None:
        """One test image was inspected."""

    def cell_done(self, cell: Cell, scores: dict[str, Scores]) -> None:
        """One run is complete; ``scores`` by kind, with ``good``."""


class Evaluator:
    """Runs the protocol; holds one image batch and the histograms of one run at a time."""

    def __init__(
        self,
        *,
        dataset: LabelledSet,
        conditions: Conditions,
        related: Relation,
        alike: Relation,
        audience: Audience,
    ) -> None:
        self._dataset = dataset
        self._conditions = conditions
        self._related = related
        self._alike = alike
        self._audience = audience

    def cells(self, detectors: Sequence[Detector]) -> int:
        """How many images will be inspected at most."""
        tests = sum(len(self._tests(each.tests)) for each in self._dataset.objects)
        runs = 0
        for detector in detectors:
            for shots in self._conditions.shots:
                if detector.refusal(shots) is None:
                    runs += 1 if shots == 0 else self._conditions.draws
        return runs * tests

    def evaluate(self, detector: Detector) -> DetectorResult:
        """All numbers of references."""
        return DetectorResult(
            name=detector.name,
            recipe=detector.inspector.recipe,
            digest=detector.inspector.digest,
            shots=tuple(self._shots(detector, shots) for shots in self._conditions.shots),
        )

    def _shots(self, detector: Detector, shots: int) -> ShotsResult:
        refusal = detector.refusal(shots)
        fewest = min(len(each.references) for each in self._dataset.objects)
        if refusal is None and shots > fewest:
            refusal = f"{fewest} good images to draw from"
        if refusal is not None:
            return ShotsResult(shots=shots, unavailable=refusal)
        draws = []
        for number in range(self._conditions.draws if shots else 1):
            try:
                draws.append(self._draw(detector, shots, number))
            except _CannotLearn as error:
                return ShotsResult(shots=shots, unavailable=str(error))
        return ShotsResult(shots=shots, draws=tuple(draws), spread=_spread(draws))

    def _draw(self, detector: Detector, shots: int, number: int) -> DrawResult:
        objects, build_s, inspect_s, images = {}, 0.0, 0.0, 0
        for each in self._dataset.objects:
            run = _Run(
                cell=Cell(detector=detector.name, shots=shots, draw=number, object=each.name),
                draw=self._drawn(each, shots, number),
                spec=LineSpec(
                    line=f"evaluation.{self._dataset.name}.{each.name}",
                    recipe=detector.inspector.recipe,
                    class_name=each.name,
                    max_vectors=self._conditions.max_vectors,
                    matching=self._conditions.matching,
                ),
            )
            state, took_s = self._state(detector, run)
            build_s += took_s
            scores, took_s = self._inspect(detector, run, state)
            inspect_s += took_s
            images += len(run.draw.tests)
            objects[each.name] = self._object_result(run, scores)
        return DrawResult(
            draw=number,
            objects=objects,
            mean_of_kinds=mean_of(each.mean_of_kinds for each in objects.values()),
            pooled=mean_of(each.pooled for each in objects.values()),
            build_s=build_s,
            inspect_s_per_image=inspect_s / max(images, 1),
        )

    def _tests(self, tests: tuple[Sample, ...]) -> tuple[Sample, ...]:
        most = self._conditions.images_per_kind
        return tests if most is None else first_of_each_kind(tests, most)

    def _drawn(self, objects: ObjectSet, shots: int, number: int) -> Draw:
        if shots == 0:
            return Draw(order=(), tests=self._tests(objects.tests), left_out=())
        most = min(max(self._conditions.shots), len(objects.references))
        drawn = draw_references(
            objects,
            most,
            seed=self._conditions.seed,
            draw=number,
            related=self._related,
            alike=self._alike,
            leave_out_alike=self._conditions.near_duplicates,
        )
        return replace(drawn, order=drawn.order[:shots], tests=self._tests(drawn.tests))

    def _state(self, detector: Detector, run: "_Run") -> tuple[LineState | None, float]:
        if not run.draw.order:
            return None, 0.0
        references = [
            part_of(load_image(sample, self._conditions.input_size), sample.name, run.spec.line)
            for sample in run.draw.order
        ]
        began_s = time.perf_counter()
        try:
            state = detector.inspector.build_state(references, run.spec)
        except ValueError as error:
            raise _CannotLearn(str(error)) from error
        return state, time.perf_counter() - began_s

    def _inspect(self, detector: Detector, run: "_Run", state: LineState | None) -> tuple[dict[str, Scores], float]:
        scores: dict[str, Scores] = {GOOD: Scores()}
        took_s = 0.0
        for start in range(0, len(run.draw.tests), _BATCH):
            samples = run.draw.tests[start : start + _BATCH]
            images = [load_image(sample, self._conditions.input_size) for sample in samples]
            parts = [
                part_of(image, sample.name, run.spec.line, run.spec)
                for image, sample in zip(images, samples, strict=True)
            ]
            began_s = time.perf_counter()
            findings = detector.inspector.inspect(parts, [state] * len(parts))
            took_s += time.perf_counter() - began_s
            for sample, image, finding in zip(samples, images, findings, strict=True):
                seen = self._seen(sample, image, finding)
                own = scores.setdefault(sample.kind, Scores())
                own.images.append(seen.score)
                if seen.mask is not None:
                    own.pixels.add(seen.anomaly, seen.mask)
                self._audience.image_seen(run.cell, seen)
        self._audience.cell_done(run.cell, scores)
        return scores, took_s

    def _seen(self, sample: Sample, image: Image, finding: Finding) -> Seen:
        if finding.score is None or not finding.pictures:
            raise ShapeError(f"{sample.name}: the detector gave no score or no map (verdict {finding.verdict})")
        side = self._conditions.resolution
        (coarse,) = (picture.map for picture in finding.pictures.values())
        anomaly = np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
        return Seen(
            sample=sample,
            image=image,
            anomaly=anomaly,
            mask=truth(sample, side, self._conditions.mask_above) if self._dataset.masked else None,
            score=finding.score,
        )

    def _object_result(self, run: "_Run", scores: dict[str, Scores]) -> ObjectResult:
        good = scores[GOOD]
        defects = {kind: own for kind, own in sorted(scores.items()) if kind != GOOD}
        kinds = {kind: self._figures(good, [own]) for kind, own in defects.items()}
        return ObjectResult(
            kinds=kinds,
            mean_of_kinds=mean_of(kinds.values()),
            pooled=self._figures(good, list(defects.values())),
            references=tuple(sample.name for sample in run.draw.order),
            left_out=tuple(sample.name for sample in run.draw.left_out),
            alike=tuple(sample.name for sample in run.draw.alike),
            good_images=len(good.images),
            defect_images={kind: len(own.images) for kind, own in defects.items()},
        )

    def _figures(self, good: Scores, defects: Sequence[Scores]) -> Figures:
        scores = [score for own in defects for score in own.images]
        if not self._dataset.masked:
            return figures_of(good.images, scores, None)
        return figures_of(good.images, scores, sum((own.pixels for own in defects), start=good.pixels))


@dataclass(frozen=True, kw_only=True)
class _Run:
    cell: Cell
    draw: Draw
    spec: LineSpec


class _CannotLearn(Exception):
    """The detector makes no state from these references."""


def _spread(draws: Sequence[DrawResult]) -> dict[str, dict[str, Spread]]:
    rows: dict[str, list[Figures]] = {
        MEAN_OF_KINDS: [each.mean_of_kinds for each in draws],
        POOLED: [each.pooled for each in draws],
    }
    for each in draws:
        for name, found in each.objects.items():
            for kind, figures in found.kinds.items():
                rows.setdefault(f"{name}/{kind}", []).append(figures)
    return {name: spread_of(figures) for name, figures in rows.items()}
