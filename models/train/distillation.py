"""First stage of training: the student learns to see what the teacher sees.

Every step draws its own crops from (seed, step), so that a run that was interrupted goes on as if it had not been.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones.student import Student, StudentSettings
from models.backbones.weights_file import parameters_sha256
from models.train.ahead import prepared_ahead
from models.train.checkpoint import read_checkpoint, run_of, save_checkpoint
from models.train.crops import LARGE_FIRST, SMALL_FIRST, draw_batch
from models.train.learning_rate import cosine
from models.train.photographs import Photographs
from models.train.precision import bfloat16_is_faster
from models.train.targets import Projection
from models.train.teacher import Teacher

# Seeds apart from every training seed.
_FIT_SEED, _HELD_OUT_SEED = -1 % 2**31, -2 % 2**31


@dataclass(frozen=True, kw_only=True)
class DistillationSettings:
    """``steps`` of about half a million pixels each. ``check_every`` steps: measure, save, report.

    ``plan``: (side_px, count) of the crops of successive steps; ``measured_plan``: of those that are fitted to and
    measured on.
    ``fit_steps``: batches that the targets' projection is fitted to; ``held_out_steps``: batches that are measured on.
    """

    student: StudentSettings
    steps: int
    seed: int = 0
    learning_rate: float = 2e-3
    warm_up: int = 200
    weight_decay: float = 1e-2
    plan: tuple[tuple[int, int], ...] = LARGE_FIRST
    measured_plan: tuple[tuple[int, int], ...] = SMALL_FIRST
    check_every: int = 200
    fit_steps: int = 48
    held_out_steps: int = 8


@dataclass(frozen=True, kw_only=True)
class DistillationProgress:
    """Where a run is. r2_*: share of the held-out targets' variance that the student predicts."""

    stage: ClassVar[str] = "distillation"

    step: int
    steps: int
    loss: float
    r2_fine: float
    r2_coarse: float

    @property
    def measured(self) -> str:
        """For a person who watches."""
        return f"loss {self.loss:.3f}, R² fine {self.r2_fine:.3f}, coarse {self.r2_coarse:.3f}"


def distil(
    settings: DistillationSettings,
    teacher: Teacher,
    photographs: Photographs,
    checkpoint: Path,
    *,
    device: torch.device,
    report: Callable[[DistillationProgress], None],
    begin_with: Student | None = None,
) -> Student:
    """Train, going on from ``checkpoint`` if it is there; it is replaced at every check and at the end.

    ``begin_with``: a student that has learned already, with the same settings; its network is copied.
    ConfigurationError if ``checkpoint`` is of another run.
    """
    torch.manual_seed(settings.seed)
    run = _Run(settings, teacher, photographs, device, begin_with)
    start = run.resume(checkpoint)
    if start == 0:
        run.begin()
    losses = 0.0
    for step, lesson in run.lessons(start):
        losses += run.train(step, lesson)
        done = step + 1
        if done % settings.check_every == 0 or done == settings.steps:
            run.save(checkpoint, done)
            fine, coarse = run.measure()
            since = done - max(start, (done - 1) // settings.check_every * settings.check_every)
            report(
                DistillationProgress(
                    step=done, steps=settings.steps, loss=losses / since, r2_fine=fine, r2_coarse=coarse
                )
            )
            losses = 0.0
    return run.student.eval()


@dataclass(frozen=True, eq=False)
class _Lesson:
    """images (B, 3, S, S) and what the teacher sees in them: fine (B, F, h, w), coarse (B, C, h/2, w/2)."""

    images: Tensor
    fine: Tensor
    coarse: Tensor


class _Run:
    """Networks, optimizer and data of one run."""

    def __init__(
        self,
        settings: DistillationSettings,
        teacher: Teacher,
        photographs: Photographs,
        device: torch.device,
        begin_with: Student | None,
    ) -> None:
        self._settings = settings
        self._begin_with = begin_with
        self._teacher = teacher
        self._photographs = photographs
        self._device = device
        self._low_precision = bfloat16_is_faster(device)
        self.student = Student(settings.student).to(device).to(memory_format=torch.channels_last)
        self._optimizer = torch.optim.AdamW(
            self.student.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    def lessons(self, start: int) -> Iterator[tuple[int, _Lesson]]:
        """(step, what it learns) from ``start`` on; the next ones are drawn, and taught, while this one is learned."""
        steps = range(start, self._settings.steps)
        yield from zip(steps, prepared_ahead(self._lesson, steps), strict=True)

    def train(self, step: int, lesson: _Lesson) -> float:
        """One step; returns the loss."""
        self.student.train()
        for group in self._optimizer.param_groups:
            group["lr"] = cosine(
                step, peak=self._settings.learning_rate, warm_up=self._settings.warm_up, steps=self._settings.steps
            )
        loss = sum(self._errors(lesson, training=True), start=torch.zeros((), device=self._device))
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self._optimizer.step()
        return float(loss.detach())

    def measure(self) -> tuple[float, float]:
        """(R² fine, R² coarse) on crops that no step trains on."""
        self.student.eval()
        errors, spreads = torch.zeros(2), torch.zeros(2)
        with torch.inference_mode():
            for step in range(self._settings.held_out_steps):
                images = self._images(_HELD_OUT_SEED, step, self._settings.measured_plan)
                lesson = _Lesson(images, *self._targets(images))
                errors += torch.stack([e.cpu() for e in self._errors(lesson, training=False)])
                spreads += torch.stack([t.var(dim=(0, 2, 3)).mean().cpu() for t in (lesson.fine, lesson.coarse)])
        fine, coarse = (1 - errors / spreads).tolist()
        return fine, coarse

    def save(self, checkpoint: Path, step: int) -> None:
        """Replace the checkpoint."""
        content = {
            "step": step,
            "settings": self._settings.student.model_dump(),
            "student": self.student.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        save_checkpoint(checkpoint, content, made_with=self._made_with)

    def resume(self, checkpoint: Path) -> int:
        """The step to go on with. ConfigurationError if ``checkpoint`` is of another run."""
        content = read_checkpoint(checkpoint, self._device, made_with=self._made_with)
        if content is None:
            return 0
        self.student.load_state_dict(content["student"])
        self._optimizer.load_state_dict(content["optimizer"])
        return int(content["step"])

    def begin(self) -> None:
        """Copy the student to begin with, if there is one, its heads turned to this run's targets.

        Targets are eigenvectors: another teacher, other photographs or another CPU turn or mirror them.
        """
        if self._begin_with is None:
            return
        self.student.load_state_dict(self._begin_with.state_dict())
        self.student.eval()
        seen: tuple[list[Tensor], list[Tensor]] = ([], [])
        wanted: tuple[list[Tensor], list[Tensor]] = ([], [])
        with torch.inference_mode():
            for step in range(self._settings.fit_steps):
                images = self._images(_FIT_SEED, step, self._settings.measured_plan)
                features = self.student(images)
                for kept, own in zip(seen, (features.fine, features.coarse), strict=True):
                    kept.append(_rows(own))
                for kept, own in zip(wanted, self._targets(images), strict=True):
                    kept.append(_rows(own))
        for head, own, target in zip((self.student.fine_head, self.student.coarse_head), seen, wanted, strict=True):
            _turn(head, torch.cat(own), torch.cat(target))

    @cached_property  # a second for 200 MB of photographs
    def _made_with(self) -> dict[str, str]:
        begun = self._begin_with
        return run_of(
            asdict(self._settings),
            teacher=self._teacher.sha256 or self._teacher.name,
            photographs=self._photographs.sha256(),
            begin_with="none" if begun is None else parameters_sha256(begun),
            device=self._device.type,
            threads=str(torch.get_num_threads()),
        )

    @cached_property  # minutes of a large teacher, which no run that has ended needs
    def _projections(self) -> tuple[Projection, Projection]:
        """Of the teacher's fine and coarse features."""
        maps = [
            self._teach(self._images(_FIT_SEED, step, self._settings.measured_plan))
            for step in range(self._settings.fit_steps)
        ]
        student = self._settings.student
        return (
            Projection.fit((fine for fine, _ in maps), student.fine_dims),
            Projection.fit((coarse for _, coarse in maps), student.coarse_dims),
        )

    def _lesson(self, step: int) -> _Lesson:
        images = self._images(self._settings.seed, step, self._settings.plan)
        return _Lesson(images, *self._targets(images))

    def _images(self, seed: int, step: int, plan: Sequence[tuple[int, int]]) -> Tensor:
        side_px, count = plan[step % len(plan)]
        drawn = draw_batch(self._photographs, seed=seed, step=step, count=count, side_px=side_px)
        return torch.from_numpy(drawn).to(self._device).contiguous(memory_format=torch.channels_last)

    def _targets(self, images: Tensor) -> tuple[Tensor, Tensor]:
        fine, coarse = self._teach(images)
        to_fine, to_coarse = self._projections
        return to_fine(fine).clone(), to_coarse(coarse).clone()

    def _teach(self, images: Tensor) -> tuple[Tensor, Tensor]:
        # Rounding to 8 bits of mantissa is a tenth of what the student still misses.
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._low_precision):
            fine, coarse = self._teacher.features(images)
        return fine.float(), coarse.float()

    def _errors(self, lesson: _Lesson, *, training: bool) -> tuple[Tensor, Tensor]:
        """Mean square errors (fine, coarse)."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=training and self._low_precision):
            seen = self.student(lesson.images)
        return F.mse_loss(seen.fine.float(), lesson.fine), F.mse_loss(seen.coarse.float(), lesson.coarse)


def _rows(features: Tensor) -> Tensor:
    """(B, C, h, w) -> (B·h·w, C) float32."""
    return features.float().permute(0, 2, 3, 1).reshape(-1, features.shape[1])


def _turn(head: nn.Conv2d, seen: Tensor, wanted: Tensor) -> None:
    """Change a 1 x 1 convolution whose outputs are ``seen`` (N, C) to one that comes closest to ``wanted`` (N, C)."""
    ones = seen.new_ones(len(seen), 1)
    turned = torch.linalg.lstsq(torch.cat([seen, ones], dim=1).double(), wanted.double()).solution.float()  # (C + 1, C)
    matrix, shift = turned[:-1].T, turned[-1]
    weight, bias = head.weight.detach()[:, :, 0, 0], head.bias
    with torch.no_grad():
        head.weight.copy_((matrix @ weight)[:, :, None, None])
        if bias is not None:
            bias.copy_(matrix @ bias + shift)
