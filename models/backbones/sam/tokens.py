"""SAM's image encoder as a token backbone: a memory of what SAM sees, for recipes whose memory decides alone.

It knows no words and has no image token. The last layer is SAM's embedding, behind its neck; the others are outputs of
ViT's blocks, or of TinyViT's four stages, the first of which is averaged down to the grid of the others.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from models.backbones.layer_choice import chosen_layers
from models.backbones.profile import Fit, Profile
from models.backbones.profile_presets import sam_profile
from models.backbones.sam.model import Sam
from models.backbones.sam.tiny_vit import TinyVit
from models.backbones.tokens import TokenFeatures
from wire.errors import ShapeError


class SamTokens:
    """See ``TokenBackbone``. Pictures are squashed into SAM's square, so that every token shows some of the part."""

    def __init__(self, sam: Sam, *, layers: tuple[int, ...] | None = None, device: torch.device) -> None:
        encoder = sam.image_encoder
        self._sam = sam
        blocks = encoder.layers if isinstance(encoder, TinyVit) else encoder.get_submodule("blocks")
        self._blocks = list(blocks.children())
        self._hooked = chosen_layers(layers, len(self._blocks))
        numbers = sam_profile(sam.settings.image_px)
        self.profile = Profile(frame=numbers.frame, fit=Fit.SQUASH, mean=numbers.mean, std=numbers.std)
        self._mean, self._std = (
            torch.tensor(each, device=device).view(3, 1, 1) for each in (numbers.mean, numbers.std)
        )
        self.grid = (sam.places, sam.places)

    @property
    def dims(self) -> Mapping[int, int]:
        """Width of the blocks or stages; of the last one, that of SAM's embedding."""
        settings, depth = self._sam.settings, len(self._blocks)
        widths = [settings.vit.width] * depth if settings.vit is not None else []
        if settings.tiny_vit is not None:
            widths = [
                *settings.tiny_vit.widths[1:],
                settings.tiny_vit.widths[-1],
            ]  # each stage ends with the next one's
        return {layer: settings.channels if layer == depth else widths[layer - 1] for layer in self._hooked}

    @property
    def text_layer(self) -> int | None:
        """It knows no words."""
        return None

    def encode(self, frames: Tensor) -> TokenFeatures:
        """See ``TokenBackbone``."""
        if frames.ndim != 4 or frames.shape[1:] != (3, *self.profile.frame):
            raise ShapeError(f"frames have shape {tuple(frames.shape)}, expected (B, 3, {self.profile.frame})")
        seen: dict[int, Tensor] = {}
        depth = len(self._blocks)
        handles = [
            self._blocks[layer - 1].register_forward_hook(lambda _, given, out, at=layer: seen.update({at: out}))
            for layer in self._hooked
            if layer != depth
        ]
        try:
            seen[depth] = self._sam.encode((frames - self._mean) / self._std)
        finally:
            for handle in handles:
                handle.remove()
        layers = {layer: self._tokens(seen[layer], whole=layer == depth) for layer in self._hooked}
        return TokenFeatures(layers=layers, remembered=layers, cls=None, grid=self.grid)

    def _tokens(self, out: Tensor, *, whole: bool) -> Tensor:
        """A block's or stage's output -> (B, L, C); ViT's blocks have their channels last."""
        channels_last = self._sam.settings.vit is not None and not whole
        planes = out.permute(0, 3, 1, 2) if channels_last else out  # (B, C, h, w)
        return F.adaptive_avg_pool2d(planes, self.grid).flatten(2).transpose(1, 2).contiguous()
