"""Training of SAM-LLaVA's segmentation stage: the network, its variants, and the folder that comes out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, get_args

import torch

from models.backbones.placement import place_of
from models.backbones.sam.model import SAM_SIZES, SamSize, sam_settings, sam_size
from models.backbones.weights_file import file_sha256, parameters_sha256
from models.refine.new_segmenter import new_segmenter
from models.refine.prompts import PromptKind
from models.refine.segmenter import Segmenter, SegmenterSettings
from models.refine.segmenter_file import pack_segmenter
from models.train.curves import Curves
from models.train.segmentation import (
    SegmentationProgress,
    SegmentationRun,
    SegmentationSettings,
    train_segmentation,
)
from models.train.segmentation_report import VariantFigures, segmentation_report
from models.train.segmentation_samples import SampleSource
from wire.errors import ConfigurationError

WEIGHTS, REPORT, CURVES = "segmenter.safetensors", "REPORT.md", "curves"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A row of the paper's table of ablations."""

    name: str
    multiscale_prompt: bool = True
    multiscale_decoder: bool = True
    prompt: PromptKind = "mask"

    @property
    def file_name(self) -> str:
        """Of its weights, in the folder of a training."""
        return WEIGHTS if self.name == FULL.name else f"{self.slug}.safetensors"

    @property
    def slug(self) -> str:
        """Its name for files."""
        return self.name.replace(" ", "-")


FULL: Final = Variant(name="full")
ABLATIONS: Final = (
    Variant(name="no multi-scale prompt", multiscale_prompt=False),
    Variant(name="no multi-scale decoder", multiscale_decoder=False),
    Variant(name="single-scale SAM", multiscale_prompt=False, multiscale_decoder=False),
    Variant(name="box prompt", prompt="box"),
    Variant(name="point prompt", prompt="points"),
)


@dataclass(frozen=True, kw_only=True)
class SegmenterTraining:
    """``size`` and ``weights`` of SAM, or a ``sam_seed`` for random ones; ``ablations``: variants trained beside it."""

    size: SamSize
    weights: Path | None
    sam_seed: int
    segmentation: SegmentationSettings
    ablations: Sequence[Variant] = ()


@dataclass(frozen=True, kw_only=True)
class TrainedSegmenter:
    """The weights file and its hash; ``figures``: what each variant reached."""

    file: Path
    sha256: str
    figures: tuple[VariantFigures, ...]


def checked_size(name: str, weights: Path | None) -> SamSize:
    """The size of that name; ConfigurationError if there is none, or if it needs a checkpoint and has none."""
    size = sam_size(name)
    if size is None:
        raise ConfigurationError([f"--sam: {name!r} is none of {', '.join(SAM_SIZES)}"])
    if weights is None and not size.startswith("tiny"):
        raise ConfigurationError([f"--weights FILE is missing: the checkpoint of SAM {name}; nothing is downloaded"])
    return size


def checked_prompt(name: str) -> PromptKind:
    """The prompt of that name; ConfigurationError if there is none."""
    kind: PromptKind | None = next((each for each in get_args(PromptKind) if each == name), None)
    if kind is None:
        raise ConfigurationError([f"--prompt: {name!r} is none of {', '.join(get_args(PromptKind))}"])
    return kind


def train_segmenter(
    settings: SegmenterTraining,
    samples: SampleSource,
    folder: Path,
    *,
    device: str,
    threads: int,
    report: Callable[[str, SegmentationProgress], None],
) -> TrainedSegmenter:
    """Train into ``folder``, going on where an earlier run with the same settings stopped; ``report``: variant, where.

    Every variant has a file of weights of its own. ConfigurationError if SAM's weights cannot be used, or another run
    began there.
    """
    place = place_of(device)
    torch.set_num_threads(threads)
    folder.mkdir(parents=True, exist_ok=True)
    figures: list[VariantFigures] = []
    for variant in (replace(FULL, prompt=settings.segmentation.prompt), *settings.ablations):
        segmenter, found = _train(variant, settings, samples, folder, place, report)
        figures.append(found)
        (folder / variant.file_name).write_bytes(pack_segmenter(segmenter))
    file = folder / WEIGHTS
    sha256 = file_sha256(file)
    (folder / REPORT).write_text(segmentation_report(settings.segmentation, figures, sha256), encoding="utf-8")
    return TrainedSegmenter(file=file, sha256=sha256, figures=tuple(figures))


def _train(
    variant: Variant,
    settings: SegmenterTraining,
    samples: SampleSource,
    folder: Path,
    place: torch.device,
    report: Callable[[str, SegmentationProgress], None],
) -> tuple[Segmenter, VariantFigures]:
    own = replace(settings.segmentation, prompt=variant.prompt)
    segmenter = new_segmenter(
        sam_settings(settings.size),
        SegmenterSettings(multiscale_prompt=variant.multiscale_prompt, multiscale_decoder=variant.multiscale_decoder),
        weights=settings.weights,
        seed=settings.sam_seed,
    )
    untrained, _ = SegmentationRun(own, segmenter, samples, place).measure()
    frozen = parameters_sha256(segmenter.sam.image_encoder)
    curves = Curves(folder / CURVES / variant.slug)
    rows: list[SegmentationProgress] = []

    def note(progress: SegmentationProgress) -> None:
        curves.add(progress)
        rows.append(progress)
        report(variant.name, progress)

    train_segmentation(own, segmenter, samples, folder / f"{variant.slug}.pt", device=place, report=note)
    trained, coarse = (rows[-1].iou, rows[-1].coarse_iou) if rows else _measured(own, segmenter, samples, place)
    return segmenter, VariantFigures(
        name=variant.name,
        file=variant.file_name,
        untrained=untrained,
        trained=trained,
        coarse=coarse,
        encoder_sha256=frozen,
    )


def _measured(
    settings: SegmentationSettings, segmenter: Segmenter, samples: SampleSource, place: torch.device
) -> tuple[float, float]:
    """Of a run that had already ended."""
    return SegmentationRun(settings, segmenter, samples, place).measure()
