"""An open_clip ViT as a token backbone: its own forward, unmodified, watched; value-value attention beside it.

CLS is what open_clip gives, whatever the mode. Only the hooked layers are computed a second time. The last layer's
tokens go through ln_post and proj into the space of the text; the others stay at the width of the blocks.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.backbones.layer_choice import chosen_layers
from models.backbones.profile_presets import clip_profile
from models.backbones.tokens import TokenFeatures
from models.backbones.vv_attention import VvMode, own_values, value_attention
from wire.errors import ShapeError

if TYPE_CHECKING:
    import open_clip


class MemorySource(StrEnum):
    """Which stream a memory keeps: PromptAD's hooks keep the ordinary one, the paper the value-value one."""

    VV = "vv"
    ORDINARY = "ori"


class ClipTokens:
    """See ``TokenBackbone``. ``layers``: 1-based; None = a quarter, two thirds, all of the depth (3, 8, 12 of 12)."""

    def __init__(
        self,
        model: "open_clip.CLIP",
        *,
        vv_mode: VvMode,
        memory_source: MemorySource = MemorySource.VV,
        layers: tuple[int, ...] | None = None,
        device: torch.device,
    ) -> None:
        self._visual = model.visual
        self._blocks = self._visual.transformer.resblocks
        self._depth = len(self._blocks)
        self._hooked = chosen_layers(layers, self._depth)
        self._mode = vv_mode
        self._source = memory_source
        self.profile = clip_profile(tuple(self._visual.image_size))
        numbers = (self.profile.mean, self.profile.std)
        self._mean, self._std = (torch.tensor(each, device=device).view(3, 1, 1) for each in numbers)
        self.grid: tuple[int, int] = tuple(self._visual.grid_size)

    @property
    def dims(self) -> Mapping[int, int]:
        """Width of the blocks; of the last one, that of the joint space."""
        width, joint = self._visual.transformer.width, self._visual.output_dim
        return {layer: joint if layer == self._depth else width for layer in self._hooked}

    @property
    def text_layer(self) -> int | None:
        """The last block, if it is hooked."""
        return self._depth if self._depth in self._hooked else None

    def encode(self, frames: Tensor) -> TokenFeatures:
        """See ``TokenBackbone``."""
        if frames.ndim != 4 or frames.shape[1:] != (3, *self.profile.frame):
            raise ShapeError(f"frames have shape {tuple(frames.shape)}, expected (B, 3, {self.profile.frame})")
        before: dict[int, Tensor] = {}
        after: dict[int, Tensor] = {}
        with self._watched(before, after):
            cls = self._visual((frames - self._mean) / self._std)
        layers = self._streams(before, after, self._mode)
        remembered = layers
        if self._source is MemorySource.ORDINARY and self._mode is not VvMode.NONE:
            remembered = self._streams(before, after, VvMode.NONE)
        # Models that also give tokens return (image, tokens).
        return TokenFeatures(
            layers=layers, remembered=remembered, cls=cls[0] if isinstance(cls, tuple) else cls, grid=self.grid
        )

    def _streams(self, before: Mapping[int, Tensor], after: Mapping[int, Tensor], mode: VvMode) -> dict[int, Tensor]:
        if mode is VvMode.NONE:
            return {layer: self._local(layer, after[layer]) for layer in self._hooked}
        if mode is VvMode.SURGERY:
            return self._surgery(before)
        if mode is VvMode.MASKCLIP:
            return {
                layer: self._local(layer, own_values(self._blocks[layer - 1], before[layer])) for layer in self._hooked
            }
        found = {}
        for layer in self._hooked:
            stream = value_attention(self._blocks[layer - 1], before[layer])
            found[layer] = self._local(layer, stream + before[layer] if mode is VvMode.LITERAL else stream)
        return found

    def _surgery(self, before: Mapping[int, Tensor]) -> dict[int, Tensor]:
        found, stream = {}, before[1]
        for layer in range(1, max(self._hooked) + 1):
            stream = stream + value_attention(self._blocks[layer - 1], before[layer])
            if layer in self._hooked:
                found[layer] = self._local(layer, stream)
        return found

    def _local(self, layer: int, stream: Tensor) -> Tensor:
        """(B, 1 + L, W) -> (B, L, C) without the image token."""
        tokens: Tensor = stream[:, 1:]
        if layer == self._depth:
            tokens = self._visual.ln_post(tokens)
            if self._visual.proj is not None:
                tokens = tokens @ self._visual.proj
        return tokens

    @contextmanager
    def _watched(self, before: dict[int, Tensor], after: dict[int, Tensor]) -> Iterator[None]:
        """While open_clip's own forward runs, keep what goes into and comes out of its blocks."""
        watched = range(1, max(self._hooked) + 1) if self._mode is VvMode.SURGERY else self._hooked
        handles = []
        for layer in watched:
            block = self._blocks[layer - 1]
            handles.append(block.register_forward_pre_hook(lambda _, given, at=layer: before.update({at: given[0]})))
            handles.append(block.register_forward_hook(lambda _, given, out, at=layer: after.update({at: out})))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
