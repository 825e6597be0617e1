"""One evaluation from options to result: files checked, detectors loaded, conditions written down."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import torch
from pydantic import BaseModel, ConfigDict, Field

from models.evaluate.baselines.blur import BlurInspector
from models.evaluate.baselines.untrained_resnet import UntrainedResnetInspector
from models.evaluate.dataset_file import DatasetFile
from models.evaluate.detector import Detector
from models.evaluate.evaluator import Audience, Cell, Evaluator, Scores, Seen
from models.evaluate.layouts.opening import open_labelled_set
from models.evaluate.loading import unreadable_files
from models.evaluate.near_duplicates import NearDuplicates
from models.evaluate.physical_parts import PhysicalParts
from models.evaluate.results import Conditions, DetectorResult, EvaluationResult, SetSummary
from models.evaluate.sample import LabelledSet, ObjectSet, Sample
from models.evaluate.variants import Variant
from models.recipes.loader import load_inspector
from wire.errors import ConfigurationError
from wire.line_state import Matching

# What ships is compared with: no reference at all, no training at all, and the first detector.
BASELINES: Final = ("blur", "untrained_resnet18", "filter_bank")
_VERSIONS: Final = ("numpy", "opencv-python-headless", "torch", "torchvision")
_NAMED = 10  # of many unreadable files, so many are named


class Settings(BaseModel):
    """What is to be evaluated, and how. ``recipes``: recipes, recipe files, or baselines, in the table's order.

    ``variants``: recipes with changes, before them.
    """

    model_config = ConfigDict(frozen=True)

    dataset: Path
    options: DatasetFile
    recipes: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    shots: tuple[int, ...] = Field(min_length=1)
    draws: int = Field(ge=1)
    seed: int = Field(default=0, ge=0)
    resolution: int = Field(default=256, ge=16, le=4096)
    input_size: int | None = Field(default=None, ge=16, le=8192)
    max_vectors: int = Field(default=4096, ge=16)
    matching: Matching = ""
    images_per_kind: int | None = Field(default=None, ge=1)
    skip_unreadable: bool = False
    device: str = "cpu"
    threads: int | None = None

    def conditions(self) -> Conditions:
        """The part of it that goes into the result."""
        return Conditions(
            shots=self.shots,
            draws=self.draws,
            seed=self.seed,
            resolution=self.resolution,
            input_size=self.input_size,
            max_vectors=self.max_vectors,
            matching=self.matching,
            group=self.options.group,
            group_distance=self.options.group_distance,
            near_duplicates=bool(self.options.near_duplicates),
            classes=self.options.classes,
            mask_above=self.options.mask_above,
            images_per_kind=self.images_per_kind,
        )


def run_evaluation(
    settings: Settings, say: Callable[[str], None], exhibits: Audience | None = None
) -> EvaluationResult:
    """Evaluate all detectors on all images. ConfigurationError before anything is inspected, if anything is wrong."""
    began_s, created_at = time.monotonic(), datetime.now(UTC)
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    say("reading the data set")
    dataset, skipped = _readable(open_labelled_set(settings.dataset, settings.options), settings)
    parts = PhysicalParts(settings.options.group, settings.options.group_distance)
    parts.check(list(dataset.samples()))
    detectors = [
        *(_variant(each, settings) for each in settings.variants),
        *(load_detector(name, settings.device, settings.threads) for name in settings.recipes),
    ]
    progress = _Progress(say, exhibits)
    evaluator = Evaluator(
        dataset=dataset,
        conditions=settings.conditions(),
        related=parts.related,
        alike=NearDuplicates().alike,
        audience=progress,
    )
    progress.expect(evaluator.cells(detectors))
    results: list[DetectorResult] = [evaluator.evaluate(detector) for detector in detectors]
    return EvaluationResult(
        created_at=created_at,
        lineside=version("lineside"),
        versions={name: version(name) for name in _VERSIONS},
        device=settings.device,
        threads=torch.get_num_threads(),
        wall_s=time.monotonic() - began_s,
        dataset=_summary(dataset, skipped),
        conditions=settings.conditions(),
        detectors=tuple(results),
    )


def _variant(variant: Variant, settings: Settings) -> Detector:
    if not variant.changes:
        return load_detector(variant.recipe, settings.device, settings.threads)
    inspector = load_inspector(
        variant.recipe, device=settings.device, threads=settings.threads, changes=variant.changes
    )
    return Detector(name=variant.name, inspector=inspector)


def load_detector(name: str, device: str, threads: int | None) -> Detector:
    """A baseline by name, else a recipe. ConfigurationError if there is none of that name."""
    if name == "blur":
        return Detector(name=name, inspector=BlurInspector(), uses_references=False)
    if name == "untrained_resnet18":
        return Detector(name=name, inspector=UntrainedResnetInspector(device=device), judges_alone=False)
    return Detector(name=Path(name).stem, inspector=load_inspector(name, device=device, threads=threads))


def _readable(dataset: LabelledSet, settings: Settings) -> tuple[LabelledSet, tuple[str, ...]]:
    problems = unreadable_files(dataset.samples(), settings.options.mask_above, lambda sample, image: None)
    if not problems:
        return dataset, ()
    texts = [f"{sample.name}: {problem}" for sample, problem in problems.items()]
    if not settings.skip_unreadable:
        more = [f"and {len(texts) - _NAMED} more"] if len(texts) > _NAMED else []
        raise ConfigurationError([*texts[:_NAMED], *more, "--skip-unreadable leaves such images out"])
    objects = tuple(
        ObjectSet(name=each.name, references=_without(each.references, problems), tests=_without(each.tests, problems))
        for each in dataset.objects
    )
    left = LabelledSet(name=dataset.name, root=dataset.root, layout=dataset.layout, objects=objects)
    if not any(sample.defect for sample in left.samples()):
        raise ConfigurationError([f"--dataset: no defective image of {dataset.root} can be read"])
    return left, tuple(texts)


def _without(samples: Sequence[Sample], gone: dict[Sample, str]) -> tuple[Sample, ...]:
    return tuple(sample for sample in samples if sample not in gone)


def _summary(dataset: LabelledSet, skipped: tuple[str, ...]) -> SetSummary:
    images: dict[str, dict[str, int]] = {}
    for each in dataset.objects:
        counts = images.setdefault(each.name, {})
        for sample in dict.fromkeys((*each.references, *each.tests)):
            counts[sample.kind] = counts.get(sample.kind, 0) + 1
    return SetSummary(
        name=dataset.name,
        root=str(dataset.root),
        layout=dataset.layout,
        masked=dataset.masked,
        images=images,
        skipped=skipped,
    )


class _Progress:
    """Says where the evaluation is and how long it will go on; passes everything on to the report."""

    def __init__(self, say: Callable[[str], None], exhibits: Audience | None) -> None:
        self._say = say
        self._exhibits = exhibits
        self._total = self._done = 0
        self._began_s = 0.0

    def expect(self, images: int) -> None:
        self._total, self._began_s = images, time.monotonic()

    def image_seen(self, cell: Cell, seen: Seen) -> None:
        self._done += 1
        rest_s = (time.monotonic() - self._began_s) / self._done * max(self._total - self._done, 0)
        self._say(
            f"{cell.detector} · {cell.shots} shots · draw {cell.draw + 1} · {cell.object} · "
            f"image {self._done} of at most {self._total} · {_duration(rest_s)} left"
        )
        if self._exhibits is not None:
            self._exhibits.image_seen(cell, seen)

    def cell_done(self, cell: Cell, scores: dict[str, Scores]) -> None:
        if self._exhibits is not None:
            self._exhibits.cell_done(cell, scores)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
