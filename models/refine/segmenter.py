"""SAM with SAM-LLaVA's additions as one network: what is trained, and what sharpens a coarse mask."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.backbones.sam.model import Sam, SamSettings
from models.refine.mask_decoder import Masks, ScaleHeads, decode
from models.refine.multiscale_prompt import KERNELS, MultiScalePrompt
from models.settings import PartSettings


class SegmenterSettings(PartSettings):
    """``prompt_width``: channels of each branch of the multi-scale prompt."""

    multiscale_prompt: bool
    multiscale_decoder: bool
    prompt_width: int = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Prompt:
    """One prompt per picture in SAM's frame: any of them.

    masks (B, 1, 4g, 4g) logits; boxes (B, 4) xyxy_px; points (B, P, 2) x, y in px, all of them within the defect.
    """

    masks: Tensor | None = None
    boxes: Tensor | None = None
    points: Tensor | None = None


class Segmenter(nn.Module):
    """images (B, 3, S, S) normalised and a prompt each -> Masks."""

    def __init__(self, sam: SamSettings, settings: SegmenterSettings) -> None:
        super().__init__()
        self.settings = settings
        self.sam = Sam(sam)
        self.prompt = (
            MultiScalePrompt(sam.channels, width=settings.prompt_width, kernels=KERNELS)
            if settings.multiscale_prompt
            else None
        )
        self.heads = ScaleHeads(sam.channels) if settings.multiscale_decoder else None

    def encode(self, images: Tensor) -> Tensor:
        """Once per picture; any number of prompts may follow."""
        return self.sam.encode(images)

    def segment(self, embedding: Tensor, prompt: Prompt, *, multimask: bool = True) -> Masks:
        """Embedding (B, C, g, g) and one prompt per picture -> Masks; the further scales in training alone."""
        points = None
        if prompt.points is not None:
            points = (prompt.points, torch.ones(prompt.points.shape[:2], device=embedding.device))
        sparse, dense = self.sam.prompt_encoder(points=points, boxes=prompt.boxes, masks=prompt.masks)
        if self.prompt is not None and prompt.masks is not None:
            dense = dense + self.prompt(prompt.masks)
        heads = self.heads if self.training else None
        return decode(self.sam, embedding, sparse, dense, multimask=multimask, heads=heads)

    def keep_only(self, additions: SegmenterSettings) -> None:
        """Leave out what a person switched off, of a network that was trained with it."""
        self.prompt = self.prompt if additions.multiscale_prompt else None
        self.heads = self.heads if additions.multiscale_decoder else None

    def trainable(self) -> list[nn.Module]:
        """What the segmentation stage trains (SYSTEMS A.4.5): all but the image encoder."""
        own = [self.sam.prompt_encoder, self.sam.mask_decoder, self.prompt, self.heads]
        return [module for module in own if module is not None]
