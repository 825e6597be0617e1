"""What weights are made of: every training that they went through, told in the header of their file."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from models.backbones.weights_file import file_sha256
from models.recipes.network_weights import noted
from models.synth.photographs import photograph_names
from wire.errors import ConfigurationError

_NOTE: Final = "trainings"
_TEACHER_NOTE: Final = "teacher"  # of files that tell no more


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TeacherUsed(_Told):
    """Whose features were learned. ``sha256``: of its weights; None of fixed filters, which have none."""

    name: str
    sha256: str | None


class PhotographsUsed(_Told):
    """``sha256``: of what ``sha256sum`` prints of these files, in this order."""

    names: tuple[str, ...]
    sha256: str

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Every photograph of a folder, as ``load_photographs`` reads them."""
        names = photograph_names(folder)
        lines = [f"{file_sha256(folder / name)}  {name}\n" for name in names]
        return cls(names=names, sha256=hashlib.sha256("".join(lines).encode()).hexdigest())

    @property
    def named(self) -> str:
        """For a card."""
        return f"{len(self.names)} (`sha256sum` of them, in order, has sha256 `{self.sha256}`): {', '.join(self.names)}"


class StageRun(_Told):
    """One stage of a training. ``sides_px``: of the square pictures that it learned from.

    ``curriculum_stage``: of the decoder, from 1; None of the student, and in files that are older than the curriculum.
    """

    steps: int
    learning_rate: float
    sides_px: tuple[int, ...]
    batch: int = 1
    curriculum_stage: int | None = None


class Training(_Told):
    """One call of ``train_embedded``, by all that its result is a function of. ``lineside``: the version that did it.

    ``distillation`` None: the student stayed as it was. ``begun_with``: sha256 of the file that it went on from.
    ``begun_teacher``: the only thing that such a file told of itself, where it told of no training.
    """

    lineside: str
    seed: int
    threads: int
    device: str
    families: tuple[str, ...]
    teacher: TeacherUsed | None
    photographs: PhotographsUsed | None
    distillation: StageRun | None
    decoding: StageRun
    begun_with: str | None
    begun_teacher: str | None

    @property
    def command(self) -> str:
        """What does it again; FILE and DIR stand for what is told by its hash."""
        given = [
            *(["--teacher FILE"] if self.teacher is not None and self.teacher.sha256 is not None else []),
            *(["--photos DIR"] if self.photographs is not None else []),
            *(["--begin-with FILE"] if self.begun_with is not None else []),
            f"--distillation-steps {0 if self.distillation is None else self.distillation.steps}",
            f"--decoding-steps {self.decoding.steps} --decoding-batch {self.decoding.batch}",
            *([f"--curriculum-stage {stage}"] if (stage := self.decoding.curriculum_stage) is not None else []),
            f"--seed {self.seed} --threads {self.threads} --device {self.device}",
        ]
        return " ".join(["lineside train embedded", *given])


_TRAININGS: Final = TypeAdapter(tuple[Training, ...])


def told_trainings(file: Path) -> tuple[Training, ...]:
    """The trainings that a file of weights went through, the first one first; empty if it tells of none.

    ConfigurationError if the file is not whole, or its header is of another program.
    """
    note = noted(file).get(_NOTE)
    try:
        return () if note is None else _TRAININGS.validate_json(note)
    except ValidationError as error:
        raise ConfigurationError([f"weights {file}: what its header tells of its trainings: {error}"]) from error


def told_teacher(file: Path) -> str | None:
    """The teacher that files name which tell no more."""
    return noted(file).get(_TEACHER_NOTE)


def told(trainings: Sequence[Training]) -> dict[str, str]:
    """For the header of a file: the same trainings give the same text."""
    return {_NOTE: _TRAININGS.dump_json(tuple(trainings)).decode()}
