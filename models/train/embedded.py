"""Training of the embedded recipe's networks from nothing: every number, both stages, and the folder that comes out."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.backbones.placement import place_of
from models.backbones.student import StudentSettings
from models.ground.decoder import DecoderSettings
from models.recipes.network_weights import pack_networks
from models.synth.line import draw_line, draw_part
from models.synth.photographs import load_photographs, photograph_names
from models.synth.surface import SURFACES
from models.train.curves import Curves
from models.train.decoding import DecodingProgress, DecodingSettings, train_decoder
from models.train.distillation import DistillationProgress, DistillationSettings, distil
from models.train.model_card import Ingredients, model_card
from models.train.photographs import Photographs
from models.train.teacher import FilterTeacher, Teacher, load_teacher

# Without photographs the student looks at drawn surfaces of this size, some of each family.
_DRAWN_SIDE_PX, _DRAWN_PER_FAMILY = 512, 3
WEIGHTS, CARD, CURVES = "weights.safetensors", "MODEL_CARD.md", "curves"


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Both stages."""

    distillation: DistillationSettings
    decoding: DecodingSettings


def shipped_settings(*, seed: int, distillation_steps: int, decoding_steps: int) -> TrainingSettings:
    """What ships: 3.9 M parameters in the student, 0.7 M in the decoder."""
    student = StudentSettings(widths=(24, 48, 96, 192, 256), depths=(1, 2, 2, 2), fine_dims=64, coarse_dims=192)
    return TrainingSettings(
        distillation=DistillationSettings(student=student, steps=distillation_steps, seed=seed, check_every=250),
        decoding=DecodingSettings(
            decoder=DecoderSettings(projected=48, widths=(64, 96), last=32),
            steps=decoding_steps,
            seed=seed,
            check_every=200,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came out: the weights file and its hash."""

    weights: Path
    sha256: str


def train_embedded(
    settings: TrainingSettings,
    folder: Path,
    *,
    teacher_file: Path | None,
    photos: Path | None,
    device: str,
    threads: int,
    report: Callable[[DistillationProgress | DecodingProgress], None],
) -> Trained:
    """Train into ``folder``, going on where an earlier run with the same settings stopped.

    Without a teacher the student learns fixed filters' responses; without photographs it looks at drawn surfaces.
    ``threads`` of the CPU are part of the result, since other numbers of them sum in another order.
    ConfigurationError if the teacher or the photographs cannot be used.
    """
    place = place_of(device)
    torch.set_num_threads(threads)
    folder.mkdir(parents=True, exist_ok=True)
    teacher: Teacher = FilterTeacher(place) if teacher_file is None else load_teacher(teacher_file, place)
    pictures = load_photographs(photos) if photos is not None else ()
    curves = Curves(folder / CURVES)

    def note(progress: DistillationProgress | DecodingProgress) -> None:
        curves.add(progress)
        report(progress)

    student = distil(
        settings.distillation,
        teacher,
        Photographs.of(pictures or _drawn_surfaces(settings.distillation.seed)),
        folder / "distillation.pt",
        device=place,
        report=note,
    )
    decoder = train_decoder(settings.decoding, student, pictures, folder / "decoding.pt", device=place, report=note)
    packed = pack_networks(student, decoder, settings.decoding.decoder, {"teacher": teacher.name})
    sha256 = hashlib.sha256(packed).hexdigest()
    weights = folder / WEIGHTS
    weights.write_bytes(packed)
    ingredients = Ingredients(
        teacher=teacher.name,
        teacher_sha256=None if teacher_file is None else hashlib.sha256(teacher_file.read_bytes()).hexdigest(),
        photographs=() if photos is None else photograph_names(photos),
        settings=settings,
        threads=threads,
    )
    (folder / CARD).write_text(model_card(sha256, len(packed), ingredients, curves.last()), encoding="utf-8")
    return Trained(weights=weights, sha256=sha256)


def _drawn_surfaces(seed: int) -> Sequence[NDArray[np.uint8]]:
    return [
        draw_part(draw_line(seed + number, family=family, height=_DRAWN_SIDE_PX, width=_DRAWN_SIDE_PX), 0).rgb_u8
        for family in SURFACES
        for number in range(_DRAWN_PER_FAMILY)
    ]
