"""Training of the embedded recipe's networks from nothing: every number, both stages, and the folder that comes out."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.backbones.placement import place_of
from models.backbones.student import Student, StudentSettings
from models.backbones.weights_file import file_sha256
from models.ground.context import ContextSettings
from models.ground.decoder import Decoder, DecoderSettings
from models.recipes.network_weights import noted, pack_networks, read_networks
from models.synth.line import draw_line, draw_part, random_defects
from models.synth.photographs import load_photographs, photograph_names
from models.train.curves import Curves
from models.train.decoding import DecodingProgress, DecodingSettings, train_decoder
from models.train.distillation import DistillationProgress, DistillationSettings, distil
from models.train.episodes import training_families
from models.train.model_card import Ingredients, model_card
from models.train.photographs import Photographs
from models.train.teacher import FilterTeacher, Teacher, load_teacher
from wire.errors import ConfigurationError

# Seeds apart from those of episodes.
_DRAWN = 0xD2A3
WEIGHTS, CARD, CURVES = "weights.safetensors", "MODEL_CARD.md", "curves"


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Both stages. Beside photographs the student sees so many drawn parts of each family, of that size."""

    distillation: DistillationSettings
    decoding: DecodingSettings
    drawn_per_family: int = 4
    drawn_side_px: int = 512


def shipped_settings(
    *, seed: int, distillation_steps: int, decoding_steps: int, going_on: bool = False, batch: int = 1, workers: int = 1
) -> TrainingSettings:
    """What ships: 3.9 M parameters in the student, 1.6 M in the decoder.

    ``going_on``: networks that have learned already would forget at the rate that suits new ones.
    """
    learning_rate = 1e-3 if going_on else 2e-3
    student = StudentSettings(widths=(24, 48, 96, 192, 256), depths=(1, 2, 2, 2), fine_dims=64, coarse_dims=192)
    return TrainingSettings(
        distillation=DistillationSettings(
            student=student, steps=distillation_steps, seed=seed, learning_rate=learning_rate, check_every=250
        ),
        decoding=DecodingSettings(
            decoder=DecoderSettings(
                projected=48, widths=(64, 96), last=32, context=ContextSettings(width=160, blocks=4, heads=4, grid=12)
            ),
            steps=decoding_steps,
            seed=seed,
            learning_rate=learning_rate,
            check_every=250,
            batch=batch,
            workers=workers,
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
    begin_with: Path | None = None,
    device: str,
    threads: int,
    report: Callable[[DistillationProgress | DecodingProgress], None],
) -> Trained:
    """Train into ``folder``, going on where an earlier run with the same settings stopped.

    Without a teacher the student learns fixed filters' responses. It looks at drawn parts, and photographs if there
    are any. ``begin_with``: weights of an earlier training of the same networks, which this one goes on from; with no
    steps of distillation its student stays as it is.
    ``threads`` of the CPU are part of the result, since other numbers of them sum in another order.
    ConfigurationError if the teacher or the photographs cannot be used.
    """
    if begin_with is None and settings.distillation.steps == 0:
        raise ConfigurationError(["train embedded: no steps of distillation and no weights to begin with"])
    place = place_of(device)
    torch.set_num_threads(threads)
    folder.mkdir(parents=True, exist_ok=True)
    teacher: Teacher = FilterTeacher(place) if teacher_file is None else load_teacher(teacher_file, place)
    pictures = load_photographs(photos) if photos is not None else ()
    earlier = None if begin_with is None else _earlier(begin_with, settings)
    curves = Curves(folder / CURVES)

    def note(progress: DistillationProgress | DecodingProgress) -> None:
        curves.add(progress)
        report(progress)

    if earlier is not None and settings.distillation.steps == 0:
        student = earlier[0].to(place)
    else:
        student = distil(
            settings.distillation,
            teacher,
            Photographs.of([*pictures, *_drawn_parts(settings, pictures)]),
            folder / "distillation.pt",
            device=place,
            report=note,
            begin_with=None if earlier is None else earlier[0],
        )
    decoder = train_decoder(
        settings.decoding,
        student,
        pictures,
        folder / "decoding.pt",
        device=place,
        report=note,
        begin_with=None if earlier is None else earlier[1],
    )
    # A student that is kept has learned from the teacher that it had.
    kept = begin_with is not None and settings.distillation.steps == 0
    learned_from = noted(begin_with).get("teacher", "") if begin_with is not None and kept else teacher.name
    packed = pack_networks(student, decoder, settings.decoding.decoder, {"teacher": learned_from})
    sha256 = hashlib.sha256(packed).hexdigest()
    weights = folder / WEIGHTS
    weights.write_bytes(packed)
    ingredients = Ingredients(
        teacher=learned_from,
        teacher_sha256=None if teacher_file is None or kept else file_sha256(teacher_file),
        photographs=() if photos is None else photograph_names(photos),
        settings=settings,
        threads=threads,
        begun_with_sha256=None if begin_with is None else file_sha256(begin_with),
    )
    (folder / CARD).write_text(model_card(sha256, len(packed), ingredients, curves.last()), encoding="utf-8")
    return Trained(weights=weights, sha256=sha256)


def _earlier(file: Path, settings: TrainingSettings) -> tuple[Student, Decoder]:
    student, decoder, decoder_settings = read_networks(file)
    wanted = settings.decoding.decoder
    if decoder_settings.context is None:
        wanted = wanted.model_copy(update={"context": None})
    if student.settings != settings.distillation.student or decoder_settings != wanted:
        raise ConfigurationError([f"weights {file}: its networks have other widths or depths than those to be trained"])
    return student, decoder


def _drawn_parts(settings: TrainingSettings, photographs: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Parts with defects of every family that is not held out."""
    parts = []
    side_px = settings.drawn_side_px
    for family in training_families(photographs):
        for number in range(settings.drawn_per_family):
            rng = np.random.default_rng([_DRAWN, settings.distillation.seed, number])
            seed = int(rng.integers(2**31))
            line = draw_line(seed, family=family, height=side_px, width=side_px, photographs=photographs)
            parts.append(draw_part(line, 0, random_defects(line, rng, count=3)).rgb_u8)
    return parts
