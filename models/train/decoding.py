"""Second stage of training: the decoder learns, on drawn lines, to tell a part's defects from its line's variation.

The student is frozen. Memories are built exactly as in service, from none to six references. Every step draws its own
episodes from (seed, step), so that a run that was interrupted goes on as if it had not been. What comes out is the mean
of the weights over the later steps: what a single step leaves does well or badly on foreign surfaces by chance.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_swa_avg_fn

from models.backbones.student import Student, StudentFeatures
from models.backbones.weights_file import parameters_sha256
from models.ground.decoder import Decoder, DecoderSettings, Evidence, gather
from models.memory.feature_memory import Comparison, FeatureMemory
from models.recipes.network_weights import fuse
from models.train.ahead import drawn_ahead, prepared_ahead
from models.train.checkpoint import read_checkpoint, run_of, save_checkpoint
from models.train.curriculum import CURRICULUM, CurriculumStage, stage_of
from models.train.decoding_loss import decoding_loss
from models.train.episodes import HELD_OUT_FAMILIES, Episode, draw_episode, share_masks, training_families
from models.train.learning_rate import constant
from models.train.photographs import pictures_sha256
from models.train.precision import bfloat16_is_faster
from models.train.separation import Separation, measure
from wire.errors import ShapeError

# (side_px, episodes) by turns: equal pixels, different contexts.
_PLAN = ((192, 3), (256, 2), (128, 7), (256, 2), (384, 1))
_CELL_PX = 4
_HELD_OUT_SEED = 2**31 - 2
_HELD_OUT_SIDE_PX = 192


@dataclass(frozen=True, kw_only=True)
class DecodingSettings:
    """``steps`` of about ``batch`` times ten queries each. ``check_every`` steps: measure, save, report.

    ``averaged_from``: share of the steps, 0 to below 1, after which weights count for the mean that comes out.
    ``plan``: (side_px, episodes) of successive steps. ``curriculum_stage``: from 1; held-out lines are the last one's.
    ``workers``: processes that draw parts; they change nothing but the time.
    """

    decoder: DecoderSettings
    steps: int
    seed: int = 0
    learning_rate: float = 2e-3
    warm_up: int = 100
    weight_decay: float = 1e-2
    averaged_from: float = 0.25
    plan: tuple[tuple[int, int], ...] = _PLAN
    check_every: int = 100
    held_out_episodes: int = 24
    batch: int = 1
    workers: int = 1
    curriculum_stage: int = len(CURRICULUM)

    @property
    def shown(self) -> CurriculumStage:
        """What the training shows."""
        return stage_of(self.curriculum_stage)


@dataclass(frozen=True, kw_only=True)
class DecodingProgress:
    """Where a run is; ``with_memory`` (4 references) and ``without``: AUROCs on held-out families of lines."""

    stage: ClassVar[str] = "decoding"

    step: int
    steps: int
    loss: float
    with_memory: Separation
    without: Separation

    @property
    def measured(self) -> str:
        """For a person who watches."""
        return f"loss {self.loss:.3f}, with 4 references {self.with_memory}, without {self.without}"


def train_decoder(
    settings: DecodingSettings,
    student: Student,
    photographs: Sequence[NDArray[np.uint8]],
    checkpoint: Path,
    *,
    device: torch.device,
    report: Callable[[DecodingProgress], None],
    begin_with: Decoder | None = None,
) -> Decoder:
    """Train, going on from ``checkpoint`` if it is there; it is replaced at every check and at the end.

    ``begin_with``: a decoder that has learned already, with the same settings; it is copied. It may be without a
    context, which then begins with nothing learned. ConfigurationError if ``checkpoint`` is of another run.
    """
    torch.manual_seed(settings.seed)
    run = _Run(settings, student, photographs, device, begin_with)
    start = run.resume(checkpoint)
    if start == 0:
        run.begin()
    losses: list[float] = []
    for step, lesson in run.lessons(start):
        losses.append(run.train(step, lesson))
        done = step + 1
        if done % settings.check_every == 0 or done == settings.steps:
            run.save(checkpoint, done)
            report(
                DecodingProgress(
                    step=done,
                    steps=settings.steps,
                    loss=float(np.mean(losses)),
                    with_memory=run.measure(references=4),
                    without=run.measure(references=0),
                )
            )
            losses.clear()
    return run.averaged


@dataclass(frozen=True, kw_only=True, eq=False)
class _Lesson:
    """Of B queries: what the decoder sees, ``shares`` (B, S/4, S/4) that are defective; how many each episode has."""

    evidence: Evidence
    shares: Tensor
    queries: Sequence[int]


class _Run:
    """Networks, optimizer and data of one run."""

    def __init__(
        self,
        settings: DecodingSettings,
        student: Student,
        photographs: Sequence[NDArray[np.uint8]],
        device: torch.device,
        begin_with: Decoder | None,
    ) -> None:
        self._settings = settings
        self._begin_with = begin_with
        self._student = student
        self._seeing = copy.deepcopy(student).eval()
        fuse(self._seeing)  # as in service
        self._seeing.to(device).to(memory_format=torch.channels_last)
        self._photographs = photographs
        self._families = training_families(photographs)
        self._device = device
        self._low_precision = bfloat16_is_faster(device)
        self._known: dict[int, list[Episode]] = {}
        shape = student.settings
        self._decoder = (
            Decoder(
                settings.decoder, fine_dims=shape.fine_dims, coarse_dims=shape.coarse_dims, detail_dims=shape.widths[1]
            )
            .to(device)
            .to(memory_format=torch.channels_last)
        )
        # With buffers: batch norm's statistics belong to the weights that they were taken with. One by one: all at
        # once, as torch does on a GPU unless told how, it has no mean of whole numbers, of the batches seen.
        averaging = get_swa_avg_fn()  # type: ignore[no-untyped-call]
        self._mean = AveragedModel(self._decoder, avg_fn=averaging, use_buffers=True)
        self._optimizer = torch.optim.AdamW(
            self._decoder.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    @property
    def averaged(self) -> Decoder:
        """The mean of the weights so far, for use; before the first of them counts, the weights themselves."""
        decoder = self._mean.module if self._mean.n_averaged else self._decoder
        return cast(Decoder, decoder).eval()

    def begin(self) -> None:
        """Copy the decoder to begin with, if there is one; it may be without a context."""
        if self._begin_with is None:
            return
        missing, unexpected = self._decoder.load_state_dict(self._begin_with.state_dict(), strict=False)
        strange = [name for name in missing if not name.startswith("context.")] + unexpected
        if strange:
            raise ShapeError(f"the decoder to begin with has other parts: {', '.join(strange)}")

    def lessons(self, start: int) -> Iterator[tuple[int, _Lesson]]:
        """(step, what it learns) from ``start`` on; the next ones are drawn, and seen, while this one is learned."""
        steps = range(start, self._settings.steps)
        draw = partial(_episodes, self._settings, self._photographs, self._families)
        drawn = drawn_ahead(draw, steps, self._settings.workers)
        yield from zip(steps, prepared_ahead(self._lesson, drawn), strict=True)

    def train(self, step: int, lesson: _Lesson) -> float:
        """One step; returns the loss."""
        self._decoder.train()
        for group in self._optimizer.param_groups:
            group["lr"] = constant(step, peak=self._settings.learning_rate, warm_up=self._settings.warm_up)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._low_precision):
            # In full also where nothing is remembered, unlike in service: it learns from every part.
            logits = self._decoder(lesson.evidence, lone_context=1.0)
        loss = decoding_loss(logits.float(), lesson.shares, lesson.queries)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._decoder.parameters(), 1.0)
        self._optimizer.step()
        if step >= self._settings.averaged_from * self._settings.steps:
            self._mean.update_parameters(self._decoder)
        return float(loss.detach())

    def measure(self, *, references: int) -> Separation:
        """How well held-out families' defects are separated, with that many references."""
        decoder = self.averaged
        maps, masks = [], []
        for episode in self._held_out(references):
            with torch.inference_mode():
                maps.append(decoder(self._evidence([episode])).float().cpu().numpy())
            masks.append(share_masks(episode.masks, _CELL_PX) > 0.5)
        return measure(maps, masks)

    def _held_out(self, references: int) -> list[Episode]:
        """Always the same lines, of families that no step trains on."""
        if references not in self._known:
            draw = partial(_held_out_episode, references)
            numbers = range(self._settings.held_out_episodes)
            self._known[references] = list(drawn_ahead(draw, numbers, self._settings.workers))
        return self._known[references]

    def save(self, checkpoint: Path, step: int) -> None:
        """Replace the checkpoint."""
        content = {
            "step": step,
            "decoder": self._decoder.state_dict(),
            "mean": self._mean.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        save_checkpoint(checkpoint, content, made_with=self._made_with)

    def resume(self, checkpoint: Path) -> int:
        """The step to go on with. ConfigurationError if ``checkpoint`` is of another run."""
        content = read_checkpoint(checkpoint, self._device, made_with=self._made_with)
        if content is None:
            return 0
        self._decoder.load_state_dict(content["decoder"])
        self._mean.load_state_dict(content["mean"])
        self._optimizer.load_state_dict(content["optimizer"])
        return int(content["step"])

    @cached_property  # a second for 200 MB of photographs
    def _made_with(self) -> dict[str, str]:
        begun = self._begin_with
        return run_of(
            asdict(self._settings) | asdict(self._settings.shown),
            student=parameters_sha256(self._student),
            photographs=pictures_sha256(self._photographs),
            begin_with="none" if begun is None else parameters_sha256(begun),
            device=self._device.type,
            threads=str(torch.get_num_threads()),
        )

    def _lesson(self, episodes: Sequence[Episode]) -> _Lesson:
        shares = np.concatenate([share_masks(episode.masks, _CELL_PX) for episode in episodes])
        return _Lesson(
            evidence=self._evidence(episodes),
            shares=torch.from_numpy(shares).to(self._device),
            queries=[len(episode.queries) for episode in episodes],
        )

    def _evidence(self, episodes: Sequence[Episode]) -> Evidence:
        """Student and memories of all episodes, as in service; the decoder's input for all queries."""
        images = np.concatenate([picture for e in episodes for picture in (e.references, e.queries)])
        batch = torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2).float() / 255
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self._low_precision),
        ):
            seen = self._seeing(batch.contiguous(memory_format=torch.channels_last))
        seen = StudentFeatures(
            fine=seen.fine.float().clone(), coarse=seen.coarse.float().clone(), detail=seen.detail.float().clone()
        )
        comparisons: list[Comparison | None] = []
        asked: list[int] = []
        at = 0
        with torch.inference_mode():
            for episode in episodes:
                known = [seen[at + i] for i in range(len(episode.references))]
                at += len(known)
                queries = slice(at, at + len(episode.queries))
                at += len(episode.queries)
                asked.extend(range(queries.start, queries.stop))
                if known:
                    comparisons.extend(FeatureMemory.of_all(known).compare_all(seen[queries]))
                else:
                    comparisons.extend(None for _ in episode.queries)
            index = torch.tensor(asked, device=self._device)
            own = StudentFeatures(fine=seen.fine[index], coarse=seen.coarse[index], detail=seen.detail[index])
            evidence = gather(own, comparisons)
        return _outside_inference(evidence)


def _episodes(
    settings: DecodingSettings, photographs: Sequence[NDArray[np.uint8]], families: Sequence[str], step: int
) -> list[Episode]:
    side_px, count = settings.plan[step % len(settings.plan)]
    return [
        draw_episode(
            settings.seed,
            step,
            number,
            side_px=side_px,
            photographs=photographs,
            families=families,
            stage=settings.shown,
        )
        for number in range(count * settings.batch)
    ]


def _held_out_episode(references: int, number: int) -> Episode:
    return draw_episode(
        _HELD_OUT_SEED,
        number,
        side_px=_HELD_OUT_SIDE_PX,
        photographs=(),
        families=HELD_OUT_FAMILIES,
        references=references,
    )


def _outside_inference(evidence: Evidence) -> Evidence:
    """Copies that a gradient may flow past."""
    features = evidence.features
    return Evidence(
        features=StudentFeatures(
            fine=features.fine.clone(), coarse=features.coarse.clone(), detail=features.detail.clone()
        ),
        fine_difference=evidence.fine_difference.clone(),
        coarse_difference=evidence.coarse_difference.clone(),
        fine_scalars=evidence.fine_scalars.clone(),
        coarse_scalars=evidence.coarse_scalars.clone(),
    )
