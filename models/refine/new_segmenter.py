"""A segmenter from its numbers: SAM from a checkpoint, or with random weights from a seed."""

from pathlib import Path

import torch

from models.backbones.sam.checkpoint import load_sam
from models.backbones.sam.model import SamSettings
from models.refine.segmenter import Segmenter, SegmenterSettings


def new_segmenter(sam: SamSettings, settings: SegmenterSettings, *, weights: Path | None, seed: int) -> Segmenter:
    """What SAM-LLaVA adds is untrained: its prompt adds nothing yet. Equal arguments, equal weights.

    ``seed``: of everything that no checkpoint fills. ConfigurationError if the checkpoint does not fit.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        segmenter = Segmenter(sam, settings)
    if weights is not None:
        segmenter.sam.load_state_dict(load_sam(sam, weights).state_dict())
    return segmenter.eval()
