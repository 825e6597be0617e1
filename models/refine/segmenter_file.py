"""What the segmentation stage trained, in a file of its own: the frozen image encoder stays in SAM's checkpoint."""

import json
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from models.backbones.weights_file import load_weights, parameters_sha256, read_weights
from models.refine.segmenter import Segmenter, SegmenterSettings
from wire.errors import ConfigurationError

_HEADER: Final = "lineside"
_ENCODER: Final = "sam.image_encoder."


def pack_segmenter(segmenter: Segmenter) -> bytes:
    """A safetensors file: every tensor but the image encoder's, of which the header has the hash."""
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in sorted(segmenter.state_dict().items())
        if not name.startswith(_ENCODER)
    }
    header = {
        "segmenter": segmenter.settings.model_dump(mode="json"),
        "encoder_sha256": parameters_sha256(segmenter.sam.image_encoder),
    }
    return save(tensors, {_HEADER: json.dumps(header, sort_keys=True)})


def segmenter_settings(file: Path) -> SegmenterSettings:
    """Which additions the file was trained with. ConfigurationError if it is no such file."""
    return SegmenterSettings.model_validate(_header(file)["segmenter"])


def load_segmenter(segmenter: Segmenter, file: Path) -> None:
    """Fill everything but the image encoder. ConfigurationError if trained on another encoder, or not whole."""
    expected, found = _header(file)["encoder_sha256"], parameters_sha256(segmenter.sam.image_encoder)
    if found != expected:
        raise ConfigurationError([
            f"weights {file}: trained on an image encoder with sha256 {expected}, this one has {found}: use the same "
            "sam.size and sam.weights as in training"
        ])  # fmt: skip
    own: dict[str, Tensor] = {
        name: tensor for name, tensor in segmenter.state_dict().items() if name.startswith(_ENCODER)
    }
    load_weights(segmenter, own | read_weights(file), file)


def _header(file: Path) -> dict[str, object]:
    try:
        with safe_open(str(file), framework="pt") as opened:
            header: dict[str, object] = json.loads((opened.metadata() or {})[_HEADER])
            return header
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ConfigurationError(
            [f"weights {file}: no file that `lineside train samllava` wrote ({type(error).__name__}: {error})"]
        ) from error
