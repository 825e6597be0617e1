"""SAM's weights from a file that somebody names: the public checkpoints of SAM and MobileSAM, or our own segmenter."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from torch import Tensor

from models.backbones.sam.model import Sam, SamSettings
from models.backbones.weights_file import load_weights, read_weights

# MobileSAM's file still holds the classifier that its encoder was pretrained with; nothing of SAM reads it.
_UNUSED: Final = ("image_encoder.norm_head.", "image_encoder.head.")


def load_sam(settings: SamSettings, file: Path) -> Sam:
    """ConfigurationError names every tensor of the file that is missing, unexpected or of another shape."""
    sam = Sam(settings)
    load_weights(sam, sam_tensors(read_weights(file)), file)
    return sam


def sam_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What SAM itself reads of a checkpoint."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(_UNUSED)}
