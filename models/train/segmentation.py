"""The segmentation stage of SAM-LLaVA: prompt encoder, mask decoder and both multi-scale modules (SYSTEMS A.4.5).

The image encoder is frozen, which its hash proves. Every step draws its own samples from (seed, step), so that a run
that was interrupted goes on as if it had not been.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.backbones.profile_presets import sam_profile
from models.backbones.weights_file import parameters_sha256
from models.refine.mask_decoder import Masks, best
from models.refine.prompts import PromptKind
from models.refine.sam_refiner import in_frame, normalised, prompt_of, sam_mean_std
from models.refine.segmenter import Prompt, Segmenter
from models.train.checked_steps import checked_steps
from models.train.checkpoint import read_checkpoint, run_of, save_checkpoint
from models.train.coarse_prompts import coarse_prompt
from models.train.descent import Descent
from models.train.frozen import proven_frozen
from models.train.mask_loss import SCALE_WEIGHTS, mask_loss, resized_truth
from models.train.segmentation_samples import SampleSource

# Apart from every training seed.
_HELD_OUT_SEED: Final = 2**31 - 3


@dataclass(frozen=True, kw_only=True)
class SegmentationSettings:
    """``multimask``: of three masks the one that fits best is trained, and what fits is predicted.

    ``check_every`` steps: measure, save, report. ``held_out``: samples that are measured on.
    """

    steps: int
    prompt: PromptKind = "mask"
    points: int = 8
    multimask: bool = True
    batch: int = 8
    learning_rate: float = 1e-4
    warm_up: int = 50
    seed: int = 0
    check_every: int = 100
    held_out: int = 64


@dataclass(frozen=True, kw_only=True)
class SegmentationProgress:
    """Where a run is. ``iou``: mean of held-out samples' fine masks; ``coarse_iou``: of the masks they began with."""

    stage: ClassVar[str] = "segmentation"

    step: int
    steps: int
    loss: float
    iou: float
    coarse_iou: float

    @property
    def measured(self) -> str:
        """For a person who watches."""
        return f"loss {self.loss:.3f}, IoU {self.iou:.3f} (coarse masks {self.coarse_iou:.3f})"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Batch:
    embedding: Tensor
    prompt: Prompt
    truth: Tensor
    coarse: Tensor


def train_segmentation(
    settings: SegmentationSettings,
    segmenter: Segmenter,
    samples: SampleSource,
    checkpoint: Path,
    *,
    device: torch.device,
    report: Callable[[SegmentationProgress], None],
) -> None:
    """Train ``segmenter`` in place, going on from ``checkpoint`` if it is there.

    RuntimeError if the image encoder is another one afterwards. ConfigurationError if ``checkpoint`` is of another run.
    """
    torch.manual_seed(settings.seed)
    run = SegmentationRun(settings, segmenter, samples, device)
    with proven_frozen(segmenter.sam.image_encoder, "the image encoder"):
        start = run.resume(checkpoint)
        for done, loss in checked_steps(run.train, start=start, steps=settings.steps, every=settings.check_every):
            run.save(checkpoint, done)
            iou, coarse = run.measure()
            report(SegmentationProgress(step=done, steps=settings.steps, loss=loss, iou=iou, coarse_iou=coarse))
    segmenter.eval()


class SegmentationRun:
    """Network, optimizer and data of one run."""

    def __init__(
        self, settings: SegmentationSettings, segmenter: Segmenter, samples: SampleSource, device: torch.device
    ) -> None:
        self._settings = settings
        self._segmenter = segmenter.to(device)
        self._samples = samples
        self._device = device
        self._profile = sam_profile(segmenter.sam.settings.image_px)
        self._mean, self._std = sam_mean_std(device)
        segmenter.requires_grad_(requires_grad=False)
        for module in segmenter.trainable():
            module.requires_grad_(requires_grad=True)
        self._descent = Descent(
            [each for module in segmenter.trainable() for each in module.parameters()],
            peak=settings.learning_rate,
            warm_up=settings.warm_up,
            steps=settings.steps,
        )

    def train(self, step: int) -> float:
        """One step; returns the loss."""
        batch = self._batch(self._settings.seed, step, self._settings.batch, held_out=False)
        self._segmenter.train()
        # Its norms must not follow the batches: frozen means statistics, too.
        self._segmenter.sam.image_encoder.eval()
        return self._descent.step(step, segmentation_loss(self._answer(batch), batch.truth))

    def measure(self) -> tuple[float, float]:
        """(mean IoU of the fine masks, of the coarse ones) on samples that no step trains on."""
        self._segmenter.eval()
        fine: list[Tensor] = []
        coarse: list[Tensor] = []
        size = self._settings.batch
        with torch.inference_mode():
            for step in range(-(-self._settings.held_out // size)):
                batch = self._batch(_HELD_OUT_SEED, step, size, held_out=True)
                answer = self._answer(batch)
                chosen = best(answer.mid, answer.iou) > 0
                truth = resized_truth(batch.truth, chosen.shape[-1]) > 0.5
                fine.append(overlap(chosen, truth))
                coarse.append(overlap(batch.coarse, batch.truth > 0.5))
        return float(torch.cat(fine).mean()), float(torch.cat(coarse).mean())

    def save(self, checkpoint: Path, step: int) -> None:
        """Replace the checkpoint."""
        content = {
            "step": step,
            "trained": [module.state_dict() for module in self._segmenter.trainable()],
            "optimizer": self._descent.state(),
        }
        save_checkpoint(checkpoint, content, made_with=self._made_with)

    def resume(self, checkpoint: Path) -> int:
        """The step to go on with. ConfigurationError if ``checkpoint`` is of another run."""
        content = read_checkpoint(checkpoint, self._device, made_with=self._made_with)
        if content is None:
            return 0
        for module, tensors in zip(self._segmenter.trainable(), content["trained"], strict=True):
            module.load_state_dict(tensors)
        self._descent.resume(content["optimizer"])
        return int(content["step"])

    @cached_property  # hashing a large network takes seconds
    def _made_with(self) -> dict[str, str]:
        additions = self._segmenter.settings.model_dump(mode="json")
        encoder = parameters_sha256(self._segmenter.sam.image_encoder)
        return run_of(additions, asdict(self._settings), pictures=self._samples.name, encoder=encoder)

    def _answer(self, batch: _Batch) -> Masks:
        return self._segmenter.segment(batch.embedding, batch.prompt, multimask=self._settings.multimask)

    def _batch(self, seed: int, step: int, count: int, *, held_out: bool) -> _Batch:
        rng = np.random.default_rng([0x5E6, seed, step])
        draw = self._samples.held_out if held_out else self._samples.training
        samples = [draw(rng) for _ in range(count)]
        prepared = [self._profile.frame_of(sample.image) for sample in samples]
        placements = [each.placement for each in prepared]
        coarse = [
            in_frame(coarse_prompt(sample.truth, rng), placement)
            for sample, placement in zip(samples, placements, strict=True)
        ]
        truth = [in_frame(sample.truth, placement) for sample, placement in zip(samples, placements, strict=True)]
        pixels = torch.from_numpy(np.stack([each.pixels for each in prepared])).to(self._device)
        with torch.no_grad():
            embedding = self._segmenter.sam.encode(normalised(pixels, placements, self._mean, self._std))
        return _Batch(
            embedding=embedding,
            prompt=prompt_of(
                coarse,
                self._settings.prompt,
                points=self._settings.points,
                mask_px=self._segmenter.sam.mask_px,
                device=self._device,
            ),
            truth=torch.from_numpy(np.stack(truth)).to(self._device, torch.float32),
            coarse=torch.from_numpy(np.stack(coarse)).to(self._device),
        )


def segmentation_loss(answer: Masks, truth: Tensor) -> Tensor:
    """L_seg of 003 over the scales that are there, of the mask that fits best; and how well it is predicted to fit.

    truth (B, H, W) of 0 and 1.
    """
    mid = mask_loss(answer.mid, truth)  # (B, N)
    total = SCALE_WEIGHTS["mid"] * mid
    if answer.low is not None and answer.high is not None:
        total = total + SCALE_WEIGHTS["low"] * mask_loss(answer.low, truth)
        total = total + SCALE_WEIGHTS["high"] * mask_loss(answer.high, truth)
    # As SAM itself was trained: the other masks are left to other meanings of the prompt.
    wanted = resized_truth(truth, answer.mid.shape[-1])[:, None] > 0.5
    fits = overlap(answer.mid.detach() > 0, wanted.expand_as(answer.mid))
    return total.amin(dim=1).mean() + F.mse_loss(answer.iou, fits)


def overlap(found: Tensor, truth: Tensor) -> Tensor:
    """IoU of masks (…, h, w) bool -> (…); 1 where both are empty."""
    both = (found & truth).flatten(-2).sum(-1)
    either = (found | truth).flatten(-2).sum(-1)
    return torch.where(either > 0, both / either.clamp_min(1), 1.0)
