"""Which network a token recipe sees with."""

from typing import Final

from pydantic import Field

from models.backbones.clip_model import TINY_CLIP
from models.backbones.clip_tokens import MemorySource
from models.backbones.sam.model import SAM_SIZES, SamSize, sam_size
from models.backbones.vv_attention import VvMode
from models.settings import PartSettings
from wire.errors import ConfigurationError

EMBEDDED: Final = "embedded"
SAM: Final = "sam-"
# For tests alone: nobody has weights of them.
_RANDOM: Final = frozenset({TINY_CLIP, f"{SAM}tiny", f"{SAM}tiny_mobile"})


class BackboneSettings(PartSettings):
    """``name``: an open_clip model, ``tiny-clip``, or, knowing no words, ``embedded`` or SAM's encoder ``sam-mobile``.

    ``weights``: a file beside the recipe; ``seed``: random weights instead, for tests and benchmarks.
    ``layers``: 1-based, None = the published ones; ``frame_px``: another side of the square frame than the model's own.
    ``context``: tokens that are read of a text, None = the model's own, 77; 248 for whole descriptions.
    """

    name: str
    weights: str | None = None
    seed: int | None = Field(default=None, ge=0)
    layers: tuple[int, ...] | None = None
    vv_mode: VvMode = VvMode.ENHANCED
    memory_source: MemorySource = MemorySource.VV
    frame_px: int | None = Field(default=None, ge=16)
    context: int | None = Field(default=None, ge=16)

    def sam_size(self) -> SamSize | None:
        """Of SAM, where the name says so. ConfigurationError if there is none of that size."""
        if not self.name.startswith(SAM):
            return None
        size = sam_size(self.name.removeprefix(SAM))
        if size is None:
            known = ", ".join(f"{SAM}{each}" for each in SAM_SIZES)
            raise ConfigurationError([f"backbone.name: {self.name!r} is none of {known}"])
        return size

    def check_weights(self) -> None:
        """ConfigurationError if a network is named that has to be read from a file, and the file is not."""
        self.sam_size()
        random = self.seed is not None or self.name in _RANDOM
        if self.name != EMBEDDED and self.weights is None and not random:
            raise ConfigurationError(
                [
                    f"backbone {self.name}: --weights FILE is missing (backbone.weights in a recipe file): weights are "
                    f"read from files and never downloaded. --backbone {EMBEDDED} uses the network that ships inside"
                ]
            )
