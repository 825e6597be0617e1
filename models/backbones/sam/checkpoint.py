"""SAM's weights from a file that somebody names: the public checkpoints of SAM and MobileSAM, or our own segmenter."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from models.backbones.sam.model import Sam, SamSettings
from models.backbones.weights_file import load_weights, read_weights

# MobileSAM's file still holds the classifier that its encoder was pretrained with; nothing of SAM reads it.
_UNUSED: Final = ("image_encoder.norm_head.", "image_encoder.head.")
_PLACES: Final = "image_encoder.pos_embed"
_DISTANCES: Final = (".rel_pos_h", ".rel_pos_w")


def load_sam(settings: SamSettings, file: Path) -> Sam:
    """Positional tables are stretched where ``settings`` have another picture size than the published 1024 px.

    ConfigurationError names every tensor of the file that is missing, unexpected or of another shape.
    """
    sam = Sam(settings)
    load_weights(sam, sam_tensors(read_weights(file), sam), file)
    return sam


def sam_tensors(published: Mapping[str, Tensor], sam: Sam) -> dict[str, Tensor]:
    """What SAM itself reads of a checkpoint, its positional tables at the model's own lengths."""
    expected = sam.state_dict()
    return {
        name: _stretched(name, tensor, expected[name].shape) if name in expected else tensor
        for name, tensor in published.items()
        if not name.startswith(_UNUSED)
    }


def _stretched(name: str, table: Tensor, shape: torch.Size) -> Tensor:
    """Of places (1, h, w, C) bicubic as CLIP's, of distances (2 g - 1, d) linear as segment-anything does itself."""
    if table.shape == shape or table.shape[-1] != shape[-1]:
        return table
    if name == _PLACES and table.ndim == 4:
        planes = table.permute(0, 3, 1, 2).float()
        return F.interpolate(planes, shape[1:3], mode="bicubic", antialias=True, align_corners=False).permute(
            0, 2, 3, 1
        )
    if name.endswith(_DISTANCES) and table.ndim == 2:
        return F.interpolate(table.T[None].float(), shape[0], mode="linear")[0].T
    return table
