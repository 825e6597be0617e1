"""The prompt stage of SPGDD-GPT: learned words, and nothing else (SYSTEMS A.2.2, A.2.6).

Backbone and text tower are frozen, which their hash proves. Every step draws its own samples from (seed, step), so that
a run that was interrupted goes on as if it had not been.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.backbones.tokens import TokenBackbone
from models.backbones.weights_file import parameters_sha256
from models.evaluate.metrics.ranking import Ranking
from models.ground.text_delta import delta_map, text_delta
from models.recipes.spgdd_recipe import TddfSettings
from models.text.learned_context import LearnedContext, LearnedTexts
from models.text.prompt_bank import usual_suffixes
from models.train.checked_steps import checked_steps
from models.train.checkpoint import read_checkpoint, run_of, save_checkpoint
from models.train.descent import Descent
from models.train.frozen import proven_frozen
from models.train.segmentation_samples import SampleSource
from models.train.tddf_loss import pixel_loss, separation, signed_hinge

if TYPE_CHECKING:
    import open_clip

# Apart from every training seed.
_HELD_OUT_SEED: Final = 2**31 - 5
# A patch is defective from this share of its area on; below, and above 0, it is neither.
_DEFECT_SHARE: Final = 0.25


@dataclass(frozen=True, kw_only=True)
class PromptStageSettings:
    """Weights of the terms of Eq. 14: ``tddf`` (b), ``separation`` (lambda), ``alignment``, ``pixels`` (g).

    ``margin`` of the hinge, ``apart``: how far the two texts shall lie from each other. ``signed`` and
    ``literal_separation`` as in ``models.train.tddf_loss``. ``flaws``: a line's own, beside the usual ones ("with a
    burr"). ``check_every`` steps: measure, save, report.
    """

    steps: int
    class_name: str
    flaws: tuple[str, ...] = ()
    batch: int = 8
    learning_rate: float = 1e-3
    warm_up: int = 20
    tddf: float = 1.0
    separation: float = 1.0
    alignment: float = 1e-3
    pixels: float = 1.0
    margin: float = 0.05
    apart: float = 0.5
    signed: bool = True
    literal_separation: bool = False
    seed: int = 0
    check_every: int = 50
    held_out: int = 64


@dataclass(frozen=True, kw_only=True)
class PromptProgress:
    """Where a run is. ``auroc``: of held-out patches by delta; ``apart``: |e_n - e_a|."""

    stage: ClassVar[str] = "prompts"

    step: int
    steps: int
    loss: float
    auroc: float
    apart: float

    @property
    def measured(self) -> str:
        """For a person who watches."""
        return f"loss {self.loss:.3f}, patch AUROC {self.auroc:.3f}, texts {self.apart:.3f} apart"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Batch:
    """tokens (N, C) of certain patches, defect (N,) bool."""

    tokens: Tensor
    defect: Tensor


def train_prompts(
    run: "PromptRun", checkpoint: Path, *, report: Callable[[PromptProgress], None] = lambda progress: None
) -> None:
    """Train the run's words in place, going on from ``checkpoint`` if it is there.

    RuntimeError if the network is another one afterwards. ConfigurationError if ``checkpoint`` is of another run.
    """
    settings = run.settings
    with proven_frozen(run.clip, "the network"):
        start = run.resume(checkpoint)
        for done, loss in checked_steps(run.train, start=start, steps=settings.steps, every=settings.check_every):
            run.save(checkpoint, done)
            auroc, apart = run.measure()
            report(PromptProgress(step=done, steps=settings.steps, loss=loss, auroc=auroc, apart=apart))


class PromptRun:
    """Words, optimizer and data of one run."""

    def __init__(
        self,
        settings: PromptStageSettings,
        *,
        clip: "open_clip.CLIP",
        backbone: TokenBackbone,
        tddf: TddfSettings,
        samples: SampleSource,
        device: torch.device,
    ) -> None:
        self.settings = settings
        self.clip = clip
        self.context = LearnedContext(int(clip.token_embedding.weight.shape[1]), seed=settings.seed).to(device)
        self._backbone = backbone
        self._tddf = tddf
        self._samples = samples
        self._device = device
        self._descent = Descent(
            self.context.parameters(), peak=settings.learning_rate, warm_up=settings.warm_up, steps=settings.steps
        )

    def train(self, step: int) -> float:
        """One step; returns the loss."""
        batch = self._batch(self.settings.seed, step, self.settings.batch, held_out=False)
        return self._descent.step(step, self.loss(batch.tokens, batch.defect))

    def loss(self, tokens: Tensor, defect: Tensor) -> Tensor:
        """B (L_TDDF + lambda L_sep) + alignment + g L_I of tokens (N, C) and defect (N,); lambda counts once."""
        settings, texts = self.settings, self._texts()
        delta = self._delta(tokens, texts)
        hinge = signed_hinge(delta, defect, margin=settings.margin, signed=settings.signed)
        apart = separation(texts.normal, texts.abnormal, margin=settings.apart, literal=settings.literal_separation)
        return (
            settings.tddf * (hinge + settings.separation * apart)
            + settings.alignment * texts.alignment()
            + settings.pixels * pixel_loss(delta_map(delta, self._tddf.temperature), defect)
        )

    def measure(self) -> tuple[float, float]:
        """(AUROC of patches by delta, distance of the texts) on samples that no step trains on."""
        size = self.settings.batch
        deltas: list[Tensor] = []
        truths: list[Tensor] = []
        with torch.inference_mode():
            texts = self._texts()
            for step in range(-(-self.settings.held_out // size)):
                batch = self._batch(_HELD_OUT_SEED, step, size, held_out=True)
                deltas.append(self._delta(batch.tokens, texts))
                truths.append(batch.defect)
        delta, truth = torch.cat(deltas).cpu().numpy().astype(np.float64), torch.cat(truths).cpu().numpy()
        auroc = Ranking.of_scores(delta[~truth], delta[truth]).auroc()
        return float("nan") if auroc is None else auroc, float((texts.normal - texts.abnormal).norm())

    def save(self, checkpoint: Path, step: int) -> None:
        """Replace the checkpoint."""
        content = {"step": step, "context": self.context.state_dict(), "optimizer": self._descent.state()}
        save_checkpoint(checkpoint, content, made_with=self._made_with)

    def resume(self, checkpoint: Path) -> int:
        """The step to go on with. ConfigurationError if ``checkpoint`` is of another run."""
        content = read_checkpoint(checkpoint, self._device, made_with=self._made_with)
        if content is None:
            return 0
        self.context.load_state_dict(content["context"])
        self._descent.resume(content["optimizer"])
        return int(content["step"])

    @cached_property  # hashing a large network takes seconds
    def _made_with(self) -> dict[str, str]:
        tddf = self._tddf.model_dump(mode="json")
        return run_of(tddf, asdict(self.settings), pictures=self._samples.name, network=parameters_sha256(self.clip))

    def _texts(self) -> LearnedTexts:
        texts: LearnedTexts = self.context(
            self.clip, self.settings.class_name, (*usual_suffixes(), *self.settings.flaws)
        )
        return texts

    def _delta(self, tokens: Tensor, texts: LearnedTexts) -> Tensor:
        return text_delta(tokens, texts.normal, texts.abnormal, norm=self._tddf.norm, metric=self._tddf.metric)

    def _batch(self, seed: int, step: int, count: int, *, held_out: bool) -> _Batch:
        rng = np.random.default_rng([0x7DD, seed, step])
        draw = self._samples.held_out if held_out else self._samples.training
        samples = [draw(rng) for _ in range(count)]
        pixels = np.stack([self._backbone.profile.frame_of(each.image).pixels for each in samples])
        with torch.no_grad():
            features = self._backbone.encode(torch.from_numpy(pixels).to(self._device))
        tokens = features.layers[max(features.layers)]  # (B, L, C)
        shares = torch.cat([self._shares(torch.from_numpy(each.truth)) for each in samples]).to(self._device)
        certain = (shares == 0) | (shares >= _DEFECT_SHARE)
        return _Batch(tokens=tokens.flatten(0, 1)[certain], defect=shares[certain] > 0)

    def _shares(self, truth: Tensor) -> Tensor:
        """(H, W) bool -> (L,): how much of each patch of the squashed picture is defective."""
        return F.interpolate(truth[None, None].float(), size=self._backbone.grid, mode="area").flatten()
