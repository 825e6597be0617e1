"""One training of the embedded recipe's networks: both stages, and the folder that comes out."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.backbones.placement import place_of
from models.backbones.student import Student
from models.backbones.weights_file import file_sha256
from models.ground.decoder import Decoder
from models.recipes.network_weights import pack_networks, read_networks
from models.synth.line import draw_line, draw_part, random_defects
from models.synth.photographs import load_photographs
from models.train.curves import Curves
from models.train.decoding import DecodingProgress, DecodingSettings, train_decoder
from models.train.distillation import DistillationProgress, DistillationSettings, distil
from models.train.episodes import training_families
from models.train.ingredients import (
    PhotographsUsed,
    StageRun,
    TeacherUsed,
    Training,
    told,
    told_teacher,
    told_trainings,
)
from models.train.model_card import model_card
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

    What the weights are made of stands in their header and on the card, with what a file that this one goes on from
    tells of itself. A decoder to begin with keeps its context, even if ``settings`` ask for none.

    Without a teacher the student learns fixed filters' responses. It looks at drawn parts, and photographs if there
    are any. ``begin_with``: weights of an earlier training of the same networks, which this one goes on from; with no
    steps of distillation its student stays as it is.
    ``threads`` of the CPU are part of the result, since other numbers of them sum in another order.
    ConfigurationError if the teacher or the photographs cannot be used, or another run began in ``folder``.
    """
    distils = settings.distillation.steps > 0
    if begin_with is None and not distils:
        raise ConfigurationError(["train embedded: no steps of distillation and no weights to begin with"])
    if teacher_file is not None and not distils:
        raise ConfigurationError([f"teacher {teacher_file}: with no steps of distillation nobody learns from it"])
    place = place_of(device)
    torch.set_num_threads(threads)
    folder.mkdir(parents=True, exist_ok=True)
    teacher: Teacher = FilterTeacher(place) if teacher_file is None else load_teacher(teacher_file, place)
    pictures = load_photographs(photos) if photos is not None else ()
    earlier = None
    before: tuple[Training, ...] = ()
    if begin_with is not None:
        settings, earlier = _going_on(settings, begin_with)
        # Before hours of training: a header that cannot be read would else be told at their end.
        before = told_trainings(begin_with)
    this = Training(
        lineside=version("lineside"),
        seed=settings.decoding.seed,
        threads=threads,
        device=device,
        families=tuple(training_families(pictures)),
        teacher=TeacherUsed(name=teacher.name, sha256=teacher.sha256) if distils else None,
        photographs=None if photos is None else PhotographsUsed.of(photos),
        distillation=_stage(settings.distillation, batch=1) if distils else None,
        decoding=_stage(
            settings.decoding, batch=settings.decoding.batch, curriculum_stage=settings.decoding.curriculum_stage
        ),
        begun_with=None if begin_with is None else file_sha256(begin_with),
        begun_teacher=None if begin_with is None else told_teacher(begin_with),
    )
    curves = Curves(folder / CURVES)

    def note(progress: DistillationProgress | DecodingProgress) -> None:
        curves.add(progress)
        report(progress)

    if earlier is not None and not distils:
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
    trainings = (*before, this)
    packed = pack_networks(student, decoder, settings.decoding.decoder, told(trainings))
    sha256 = hashlib.sha256(packed).hexdigest()
    weights = folder / WEIGHTS
    weights.write_bytes(packed)
    (folder / CARD).write_text(model_card(sha256, len(packed), trainings, curves.last()), encoding="utf-8")
    return Trained(weights=weights, sha256=sha256)


def _stage(
    settings: DistillationSettings | DecodingSettings, *, batch: int, curriculum_stage: int | None = None
) -> StageRun:
    return StageRun(
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        sides_px=tuple(sorted({side_px for side_px, _ in settings.plan})),
        batch=batch,
        curriculum_stage=curriculum_stage,
    )


def _going_on(settings: TrainingSettings, file: Path) -> tuple[TrainingSettings, tuple[Student, Decoder]]:
    """Both networks of ``file``, and the settings with its decoder's context where they ask for none."""
    student, decoder, found = read_networks(file)
    wanted = settings.decoding.decoder
    wanted = wanted.model_copy(update={"context": wanted.context or found.context})
    begun = found.model_copy(update={"context": found.context or wanted.context})
    if student.settings != settings.distillation.student or begun != wanted:
        raise ConfigurationError([f"weights {file}: its networks have other widths or depths than those to be trained"])
    return replace(settings, decoding=replace(settings.decoding, decoder=wanted)), (student, decoder)


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
