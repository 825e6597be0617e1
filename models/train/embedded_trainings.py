"""The trainings that weights of the embedded recipe go through: every number, and how they follow each other."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from models.backbones.student import StudentSettings
from models.ground.context import ContextSettings
from models.ground.decoder import DecoderSettings
from models.train.curriculum import CURRICULUM, stage_of
from models.train.decoding import DecodingProgress, DecodingSettings
from models.train.distillation import DistillationProgress, DistillationSettings
from models.train.embedded import CARD, WEIGHTS, Trained, TrainingSettings, train_embedded


@dataclass(frozen=True, kw_only=True)
class DecodingRun:
    """``steps`` of ``batch`` of the decoder, at a stage of its curriculum."""

    steps: int
    batch: int = 1
    curriculum_stage: int = len(CURRICULUM)


_CONTEXT: Final = ContextSettings(width=160, blocks=4, heads=4, grid=12)

# The student and a decoder without context, then the decoder alone, with it.
DECODING_RUNS: Final = (
    DecodingRun(steps=1900, curriculum_stage=1),
    DecodingRun(steps=4000, batch=2, curriculum_stage=2),
)


def decoding_runs(*, steps: int | None, batch: int | None, curriculum_stage: int | None) -> tuple[DecodingRun, ...]:
    """Both, or a single one where ``steps`` or a stage of the curriculum is given."""
    runs: Sequence[DecodingRun] = DECODING_RUNS
    if curriculum_stage is not None:
        runs = (runs[curriculum_stage - 1],)
    elif steps is not None:
        runs = (DecodingRun(steps=steps),)
    return tuple(replace(run, steps=steps or run.steps, batch=batch or run.batch) for run in runs)


def embedded_trainings(
    *,
    seed: int,
    distillation_steps: int,
    decoding: Sequence[DecodingRun] = DECODING_RUNS,
    going_on: bool = False,
    workers: int = 1,
) -> tuple[TrainingSettings, ...]:
    """One for each of ``decoding``; the first one distils. 4.9 M parameters in the student, 1.6 M in the decoder.

    ``going_on``: the first one, too, begins with weights that have learned already.
    """
    return tuple(
        _training(
            run,
            seed=seed + number,
            distillation_steps=0 if number else distillation_steps,
            # Networks that have learned already would forget at the rate that suits new ones.
            learning_rate=1e-3 if number or going_on else 2e-3,
            workers=workers,
        )
        for number, run in enumerate(decoding)
    )


def _training(
    run: DecodingRun, *, seed: int, distillation_steps: int, learning_rate: float, workers: int
) -> TrainingSettings:
    stage = stage_of(run.curriculum_stage)
    student = StudentSettings(widths=(24, 48, 96, 192, 256), depths=(1, 2, 2, 2), fine_dims=64, coarse_dims=192)
    return TrainingSettings(
        distillation=DistillationSettings(
            student=student, steps=distillation_steps, seed=seed, learning_rate=learning_rate, check_every=250
        ),
        decoding=DecodingSettings(
            decoder=DecoderSettings(
                projected=48,
                widths=(64, 96),
                last=32,
                context=_CONTEXT if stage.context else None,
            ),
            steps=run.steps,
            seed=seed,
            learning_rate=learning_rate,
            check_every=250,
            batch=run.batch,
            averaged_from=stage.averaged_from,
            workers=workers,
            curriculum_stage=run.curriculum_stage,
        ),
    )


def train_in_turn(
    trainings: Sequence[TrainingSettings],
    folder: Path,
    *,
    teacher_file: Path | None,
    photos: Path | None,
    begin_with: Path | None,
    device: str,
    threads: int,
    report: Callable[[int, DistillationProgress | DecodingProgress], None],
) -> Trained:
    """Each training goes on from the weights of the one before, in a folder of its own (``folder``/1, /2, ...).

    Weights and card of the last one lie in ``folder`` itself. A single training has ``folder`` to itself. ``report``:
    number from 1, where. Interrupted, the same call goes on. See ``train_embedded`` for the rest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trained = None
    for number, settings in enumerate(trainings, 1):
        trained = train_embedded(
            settings,
            folder if len(trainings) == 1 else folder / str(number),
            teacher_file=teacher_file if number == 1 else None,
            photos=photos,
            begin_with=begin_with if trained is None else trained.weights,
            device=device,
            threads=threads,
            report=partial(report, number),
        )
    if trained is None:
        raise ValueError("no training was asked for")
    if len(trainings) > 1:
        for name in (WEIGHTS, CARD):
            shutil.copyfile(trained.weights.with_name(name), folder / name)
    return replace(trained, weights=folder / WEIGHTS)
