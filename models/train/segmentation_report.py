"""What a training of the segmentation stage reached, for people: every variant beside its untrained self."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.train.segmentation import SegmentationSettings


@dataclass(frozen=True, kw_only=True)
class VariantFigures:
    """Mean IoU on held-out samples; ``coarse``: of the masks that were the prompts; ``file``: its weights."""

    name: str
    file: str
    untrained: float
    trained: float
    coarse: float
    encoder_sha256: str


def segmentation_report(settings: "SegmentationSettings", figures: Sequence[VariantFigures], sha256: str) -> str:
    """Markdown."""
    rows = "\n".join(
        f"| {each.name} | {each.untrained:.3f} | {each.trained:.3f} | {each.trained - figures[0].trained:+.3f} "
        f"| `{each.file}` |"
        for each in figures
    )
    return f"""# SAM-LLaVA's segmentation stage

File `segmenter.safetensors`, sha256 `{sha256}`: prompt encoder, mask decoder, multi-scale prompt and heads.
{settings.steps} steps of {settings.batch} samples, Adam from {settings.learning_rate:g}, seed {settings.seed}.

Mean IoU on {settings.held_out} held-out samples; the coarse masks that SAM was prompted with have
{figures[0].coarse:.3f}.

| variant | untrained | trained | against full | weights |
|---|---|---|---|---|
{rows}

The image encoder was frozen: sha256 `{figures[0].encoder_sha256}` of its parameters before and after.
"""
