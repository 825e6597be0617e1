"""Strings -> unit vectors in the space of CLIP's images, cached by the hash of the string."""

import hashlib
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    import open_clip
    from open_clip.tokenizer import SimpleTokenizer

# Strings per pass: 64 x 77 tokens of a large text tower are 100 MB of activations.
_BATCH = 64
# 3 KB each: the ensembles of a dozen classes.
_MOST_CACHED = 4096


class ClipText:
    """The text half of an open_clip model, frozen; on the model's device."""

    def __init__(self, clip: "open_clip.CLIP") -> None:
        self._clip = clip
        self._tokenizer = tokenizer(clip.context_length)
        self._cache: OrderedDict[bytes, Tensor] = OrderedDict()

    @property
    def dims(self) -> int:
        """Of a vector."""
        return int(self._clip.visual.output_dim)

    @property
    def temperature(self) -> float:
        """What cosines are multiplied by before a softmax: exp of the trained log scale, 100 in published weights."""
        return float(self._clip.logit_scale.detach().exp())

    @property
    def width(self) -> int:
        """Of the embeddings that stand for words."""
        return int(self._clip.token_embedding.weight.shape[1])

    @property
    def device(self) -> torch.device:
        """Of the model."""
        found: torch.device = self._clip.positional_embedding.device
        return found

    def encode(self, texts: Sequence[str]) -> Tensor:
        """(n, D), unit length, in order. What is longer than the context is cut, with a warning."""
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._cache}
        strings = list(new.values())
        vectors: list[Tensor] = []
        for start in range(0, len(strings), _BATCH):
            vectors.extend(self._encoded(strings[start : start + _BATCH]))
        found = dict(zip(new, vectors, strict=True))
        for key in keys:
            if key in self._cache:
                self._cache.move_to_end(key)
                found[key] = self._cache[key]
            self._cache[key] = found[key]
        while len(self._cache) > _MOST_CACHED:
            self._cache.popitem(last=False)
        return torch.stack([found[key] for key in keys])

    def _encoded(self, texts: Sequence[str]) -> Tensor:
        for text in texts:
            # Begin and end of a text take two places.
            if (length := len(self._tokenizer.encode(text)) + 2) > self._clip.context_length:
                warnings.warn(
                    f"{length} tokens, {self._clip.context_length} are read: {text[:60]!r} …", UserWarning, stacklevel=3
                )
        with torch.inference_mode():
            vectors: Tensor = self._clip.encode_text(self._tokenizer(list(texts)).to(self.device))
        return F.normalize(vectors, dim=-1)


@lru_cache(maxsize=4)
def tokenizer(context_length: int) -> "SimpleTokenizer":
    """CLIP's own byte pairs; its table of words comes with open_clip and takes a second to read."""
    # Here and not at the top: open_clip imports transformers, seconds that recipes without words need not wait for.
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer(context_length=context_length)


def mean_direction(vectors: Tensor) -> Tensor:
    """(n, D) of unit length -> (D,) of unit length."""
    return F.normalize(vectors.mean(dim=0), dim=0)
