"""What every token backbone gives, and the port behind which they live (SYSTEMS part D, interface rules 1 and 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor
from torch.nn import functional as F

from models.backbones.profile import Profile


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenFeatures:
    """layers: 1-based number of a block -> (B, L, C) with L = rows * columns of ``grid``, row by row, C by layer.

    remembered: the same of what a memory should keep, where that is not ``layers`` itself.
    cls (B, D): the whole image, None where a backbone has no such token.
    opinion (B, L) in [0, 1]: how defective each place looks to a backbone that was trained to tell, else None.
    """

    layers: Mapping[int, Tensor]
    remembered: Mapping[int, Tensor]
    cls: Tensor | None
    grid: tuple[int, int]
    opinion: Tensor | None = None

    def __getitem__(self, index: int) -> "TokenFeatures":
        """Those of one image; its axis stays, of length 1."""
        some = slice(index, index + 1)
        return TokenFeatures(
            layers={layer: tokens[some] for layer, tokens in self.layers.items()},
            remembered={layer: tokens[some] for layer, tokens in self.remembered.items()},
            cls=None if self.cls is None else self.cls[some],
            grid=self.grid,
            opinion=None if self.opinion is None else self.opinion[some],
        )

    def memorable(self) -> dict[int, Tensor]:
        """What a memory compares of the first image: (L, C) by layer."""
        return {layer: tokens[0] for layer, tokens in self.remembered.items()}


def unit(layers: Mapping[int, Tensor]) -> dict[int, Tensor]:
    """Every layer's tokens (…, C) at length 1, so that distances of all layers lie in [0, 2]."""
    return {layer: F.normalize(tokens, dim=-1) for layer, tokens in layers.items()}


class TokenBackbone(Protocol):
    """A frozen network that sees a frame as tokens. Remembers nothing between calls."""

    @property
    def profile(self) -> Profile:
        """The frame that ``encode`` expects, and how images come into it."""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tokens over the whole frame."""

    @property
    def dims(self) -> Mapping[int, int]:
        """The layers that ``encode`` gives, with their width."""

    @property
    def text_layer(self) -> int | None:
        """The layer whose tokens can be compared with text; None without a text tower."""

    def encode(self, frames: Tensor) -> TokenFeatures:
        """Frames (B, 3, h, w) float in [0, 1], not normalised. ShapeError for other shapes."""
