"""open_clip's models by name, with random weights or with those of a file: open_clip's own, or OpenAI's."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from models.backbones.weights_file import load_weights, read_weights
from wire.errors import ConfigurationError

if TYPE_CHECKING:
    import open_clip

TINY_CLIP: Final = "tiny-clip"
# Everything of the large ones at a thousandth of their size: for tests, and with random weights alone.
_TINY: Final[dict[str, Any]] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 48, "layers": 4, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
# Texts of CLIP's training were hardly longer (Long-CLIP, section 3.2).
_TRAINED_PLACES: Final = 20
# Scalars that OpenAI's archives hold beside the weights; such weights were trained with a faster GELU.
_OPENAI_SCALARS: Final = ("input_resolution", "context_length", "vocab_size")


def clip_config(name: str, frame_px: int | None, context: int | None = None) -> dict[str, Any]:
    """open_clip's numbers of a model. ConfigurationError if there is none of that name."""
    open_clip = _open_clip()
    found = _TINY if name == TINY_CLIP else open_clip.get_model_config(name)
    if found is None:
        some = ", ".join(each for each in open_clip.list_models() if each.startswith("ViT-"))
        raise ConfigurationError([f"backbone.name: open_clip has no model {name!r}; there are {some}, {TINY_CLIP}"])
    config: dict[str, Any] = copy.deepcopy(found)
    foreign = {"hf_model_name", "hf_tokenizer_name"} & config["text_cfg"].keys()
    if config.get("custom_text") or foreign or "timm_model_name" in config["vision_cfg"]:
        raise ConfigurationError([f"backbone.name: {name} is not made of open_clip's own transformers"])
    if frame_px is not None:
        config["vision_cfg"]["image_size"] = frame_px
    if context is not None:
        config["text_cfg"]["context_length"] = context
    return config


def new_clip(
    name: str, *, frame_px: int | None = None, context: int | None = None, quick_gelu: bool = False
) -> "open_clip.CLIP":
    """As torch initialises it, on torch's default device. ConfigurationError if its blocks have no plain values."""
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer

    config = clip_config(name, frame_px, context)
    config["quick_gelu"] = config.get("quick_gelu", False) or quick_gelu
    model = _open_clip().CLIP(**config)
    visual = model.visual
    if (
        not isinstance(visual, VisionTransformer)
        or visual.attn_pool is not None
        or not all(isinstance(block, ResidualAttentionBlock) for block in visual.transformer.resblocks)
    ):
        raise ConfigurationError([f"backbone.name: {name} is no plain ViT, so it has no value-value attention"])
    return model


def random_clip(name: str, seed: int, *, frame_px: int | None = None, context: int | None = None) -> "open_clip.CLIP":
    """Random weights, the same for the same seed: for tests and benchmarks."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return new_clip(name, frame_px=frame_px, context=context)


def load_clip(name: str, file: Path, *, frame_px: int | None = None, context: int | None = None) -> "open_clip.CLIP":
    """Weights of ``file``; positional embeddings are interpolated where the frame or the context differs.

    ``context``: tokens of a text, 77 in published weights; 248 reads whole descriptions (Long-CLIP).

    ConfigurationError names every key that is missing, strange or of another shape.
    """
    tensors = read_weights(file)
    openai = all(scalar in tensors for scalar in _OPENAI_SCALARS)
    model = new_clip(name, frame_px=frame_px, context=context, quick_gelu=openai)
    load_weights(model, clip_tensors(tensors, model), file)
    return model


def clip_tensors(published: Mapping[str, torch.Tensor], model: "open_clip.CLIP") -> dict[str, torch.Tensor]:
    """What the model itself reads of a checkpoint, as float, its positional embeddings at the model's lengths."""
    from open_clip.model import resize_pos_embed

    # Some exports keep the causal mask, which is no weight.
    left_out = {*_OPENAI_SCALARS, "attn_mask"}
    tensors = {
        key: tensor.float() if tensor.is_floating_point() else tensor
        for key, tensor in published.items()
        if key not in left_out
    }
    if _width(tensors, "visual.positional_embedding") == model.visual.positional_embedding.shape[1]:
        resize_pos_embed(tensors, model)
    if _width(tensors, "positional_embedding") == model.positional_embedding.shape[1]:
        places = tensors["positional_embedding"]
        tensors["positional_embedding"] = stretched_places(places, model.context_length)
    return tensors


def stretched_places(places: torch.Tensor, length: int) -> torch.Tensor:
    """Embeddings (T, W) of the places in a text -> (length, W); the first ones stay, the others are spread.

    Zhang et al. 2024 (Long-CLIP): the first places are trained well, the later ones hardly; 77 become 248.
    """
    if length <= len(places):
        return places[:length]
    kept, rest = places[:_TRAINED_PLACES], places[_TRAINED_PLACES:]
    at = torch.arange(length - len(kept)) * (len(rest) / (length - len(kept)))
    before = at.floor().long()
    share = (at - before)[:, None].to(rest.dtype)
    after = (before + 1).clamp(max=len(rest) - 1)
    return torch.cat([kept, rest[before] * (1 - share) + rest[after] * share])


def _width(tensors: Mapping[str, torch.Tensor], key: str) -> int | None:
    return tensors[key].shape[1] if key in tensors and tensors[key].ndim == 2 else None


def _open_clip() -> Any:
    # Here and not at the top: it imports transformers, seconds that recipes without words need not wait for.
    import open_clip

    return open_clip
