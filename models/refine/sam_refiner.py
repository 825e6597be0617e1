"""The predictor around a segmenter: images and coarse masks in, fine masks of the same size out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.backbones.profile import Map, Placement
from models.backbones.profile_presets import sam_profile
from models.refine.mask_decoder import best
from models.refine.prompts import PromptKind, box_of, mask_logits, points_in
from models.refine.segmenter import Prompt, Segmenter
from models.settings import PartSettings


class RefinerSettings(PartSettings):
    """``prompt``: what of the coarse mask SAM is told; ``points``: how many, where it is told points.

    ``multimask``: the best of three masks by predicted IoU instead of one. ``batch``: pictures in one pass.
    """

    prompt: PromptKind = "mask"
    points: int = 8
    multimask: bool = True
    batch: int = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class FineMask:
    """probability (H, W) in [0, 1] of the image; ``iou``: how well the segmenter thinks that it fits."""

    probability: Map
    iou: float


class SamRefiner:
    """Owns device, batch and ``inference_mode``. Remembers nothing between calls."""

    def __init__(self, segmenter: Segmenter, settings: RefinerSettings, device: torch.device) -> None:
        self.segmenter = segmenter.to(device).eval()
        self._settings = settings
        self._device = device
        side = segmenter.sam.settings.image_px
        self.profile = sam_profile(side)
        self._mean, self._std = sam_mean_std(device)

    def refine(
        self, images: Sequence[NDArray[np.float32]], coarse: Sequence[NDArray[np.bool_]]
    ) -> list[FineMask | None]:
        """A fine mask per image (H, W, 3) in [0, 1] and its coarse mask (H, W); None where the coarse one is empty.

        An empty mask is no prompt, and most parts have one: SAM does not even see them.
        """
        fine: list[FineMask | None] = [None] * len(images)
        todo = [index for index, mask in enumerate(coarse) if mask.any()]
        with torch.inference_mode():
            for start in range(0, len(todo), self._settings.batch):
                chunk = todo[start : start + self._settings.batch]
                prepared = [self.profile.frame_of(images[index]) for index in chunk]
                pixels = torch.from_numpy(np.stack([each.pixels for each in prepared])).to(self._device)
                placements = [each.placement for each in prepared]
                frames = [in_frame(coarse[i], placement) for i, placement in zip(chunk, placements, strict=True)]
                embedding = self.segmenter.encode(normalised(pixels, placements, self._mean, self._std))
                prompt = prompt_of(
                    frames,
                    self._settings.prompt,
                    points=self._settings.points,
                    mask_px=self.segmenter.sam.mask_px,
                    device=self._device,
                )
                masks = self.segmenter.segment(embedding, prompt, multimask=self._settings.multimask)
                chosen, iou = best(masks.mid, masks.iou).sigmoid().cpu().numpy(), masks.iou.amax(1).tolist()
                for index, own, placement, fit in zip(chunk, chosen, placements, iou, strict=True):
                    fine[index] = FineMask(probability=placement.to_camera(own), iou=fit)
        return fine


def prompt_of(
    frames: Sequence[NDArray[np.bool_]], kind: PromptKind, *, points: int, mask_px: int, device: torch.device
) -> Prompt:
    """Coarse masks (S, S) in SAM's frame, none of them empty, as one prompt each."""

    def stacked(arrays: Sequence[Map]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(device)

    if kind == "box":
        return Prompt(boxes=stacked([box_of(frame) for frame in frames]))
    if kind == "points":
        return Prompt(points=stacked([points_in(frame, points) for frame in frames]))
    return Prompt(masks=stacked([mask_logits(frame, mask_px) for frame in frames])[:, None])


def sam_mean_std(device: torch.device) -> tuple[Tensor, Tensor]:
    """(3, 1, 1) each, of pixels in [0, 1]."""
    profile = sam_profile()
    mean, std = (torch.tensor(each, device=device).view(3, 1, 1) for each in (profile.mean, profile.std))
    return mean, std


def normalised(pixels: Tensor, placements: Sequence[Placement], mean: Tensor, std: Tensor) -> Tensor:
    """Frames (B, 3, S, S) in [0, 1] as SAM takes them. Padding is 0 after the norm, as in SAM's own preprocessing."""
    frames = torch.zeros_like(pixels)
    for index, placement in enumerate(placements):
        rows, columns = placement.seen
        frames[index, :, rows, columns] = (pixels[index, :, rows, columns] - mean) / std
    return frames


def in_frame(mask: NDArray[np.bool_], placement: Placement) -> NDArray[np.bool_]:
    """An image's mask (H, W) that is not empty in SAM's frame (S, S); a thin one keeps a pixel at its place."""
    rows, columns = np.nonzero(mask)
    frame = np.zeros(placement.frame, np.bool_)
    if mask.shape[0] * mask.shape[1] <= placement.scaled[0] * placement.scaled[1]:
        height, width = placement.scaled
        down = ((np.arange(height) + 0.5) * mask.shape[0] / height).astype(np.intp)
        right = ((np.arange(width) + 0.5) * mask.shape[1] / width).astype(np.intp)
        frame[:height, :width] = mask[np.ix_(down, right)]
        return frame
    # Shrunk: whatever frame pixel a mask pixel falls into is marked.
    down = ((rows + 0.5) * placement.scaled[0] / mask.shape[0]).astype(np.intp)
    right = ((columns + 0.5) * placement.scaled[1] / mask.shape[1]).astype(np.intp)
    frame[down, right] = True
    return frame
