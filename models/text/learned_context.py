"""Prompts whose words are learned: a shared context, and abnormal words that nobody has to find (SYSTEMS A.2.2).

[context x 4] class name                      normal
[context x 4] class name, hand-written flaw   abnormal, by hand
[context x 4] class name, [word]              abnormal, learned: four prompts of one word each
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones.weights_file import load_weights
from models.text.clip_text import mean_direction, tokenizer
from wire.errors import ConfigurationError

if TYPE_CHECKING:
    import open_clip

CONTEXT_TOKENS, ABNORMAL_PROMPTS = 4, 4
# Spread of the first context, as CLIP initialises its own embeddings: larger ones are words that it has never read.
_INITIAL_STD = 0.02
_PLACEHOLDER = "X"


@dataclass(frozen=True, kw_only=True, eq=False)
class LearnedTexts:
    """normal (D,), abnormal (D,) of unit length: means over their prompts; by hand and learned: the abnormal means."""

    normal: Tensor
    abnormal: Tensor
    by_hand: Tensor
    learned: Tensor

    def alignment(self) -> Tensor:
        """|mean by hand - mean learned|^2: learned words stay near what people call flaws."""
        return (self.by_hand - self.learned).square().sum()


class LearnedContext(nn.Module):
    """context (4, W), abnormal (4, W): embeddings in the place of words; the text tower itself is not trained."""

    def __init__(self, width: int, *, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.context = nn.Parameter(torch.randn(CONTEXT_TOKENS, width, generator=generator) * _INITIAL_STD)
        self.abnormal = nn.Parameter(torch.randn(ABNORMAL_PROMPTS, width, generator=generator) * _INITIAL_STD)

    def forward(self, clip: "open_clip.CLIP", class_name: str, suffixes: Sequence[str]) -> LearnedTexts:
        """The texts of one kind of part; at least one of ``suffixes`` ("with a scratch")."""
        start = " ".join([_PLACEHOLDER] * CONTEXT_TOKENS) + f" {class_name}"
        normal = self._encoded(clip, [start], None)
        by_hand = self._encoded(clip, [f"{start} {suffix}" for suffix in suffixes], None)
        learned = self._encoded(clip, [f"{start} {_PLACEHOLDER}"] * ABNORMAL_PROMPTS, self.abnormal)
        return LearnedTexts(
            normal=mean_direction(normal),
            abnormal=mean_direction(torch.cat([by_hand, learned])),
            by_hand=by_hand.mean(dim=0),
            learned=learned.mean(dim=0),
        )

    def _encoded(self, clip: "open_clip.CLIP", texts: Sequence[str], last: Tensor | None) -> Tensor:
        """(n, D) unit; ``last`` (n, W): in the place of each text's last word."""
        # Here and not at the top, as the tokenizer.
        from open_clip.transformer import text_global_pool

        tokens = tokenizer(clip.context_length)(list(texts)).to(self.context.device)  # (n, T)
        embedded = clip.token_embedding(tokens)  # (n, T, W)
        context = self.context.expand(len(texts), -1, -1)
        embedded = torch.cat([embedded[:, :1], context, embedded[:, 1 + CONTEXT_TOKENS :]], dim=1)
        if last is not None:
            ends = tokens.argmax(dim=1) - 1  # the end of text has the highest number
            places = F.one_hot(ends, tokens.shape[1])[..., None].to(embedded.dtype)  # (n, T, 1)
            embedded = embedded * (1 - places) + last[:, None, :] * places
        streams = clip.transformer(embedded + clip.positional_embedding, attn_mask=clip.attn_mask)
        pooled = text_global_pool(clip.ln_final(streams), tokens, clip.text_pool_type, eos_token_id=clip.text_eos_id)
        projection = clip.text_projection
        joint = projection(pooled) if isinstance(projection, nn.Linear) else pooled @ projection
        return F.normalize(joint, dim=-1)


def pack_context(context: LearnedContext) -> bytes:
    """A weights file: safetensors."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in sorted(context.state_dict().items())})


def read_context(file: bytes, where: str, width: int | None = None) -> LearnedContext:
    """From a file's bytes; ``where`` names it. ``width``: of the text tower's embeddings, None = as the file has it.

    ConfigurationError if it is no such file, was learned for a text tower of another width, or holds no finite number.
    """
    try:
        tensors = load(file)
    except SafetensorError as error:
        raise ConfigurationError([f"weights {where}: {error}"]) from error
    if width is None:
        width = next((each.shape[-1] for each in tensors.values() if each.ndim), 1)
    context = LearnedContext(width)
    load_weights(context, tensors, where)
    for key, tensor in tensors.items():
        strange = tensor[~tensor.isfinite()]
        if len(strange):
            raise ConfigurationError([f"weights {where}: {key} holds {strange[0].item()}, expected finite numbers"])
    return context.requires_grad_(requires_grad=False)
