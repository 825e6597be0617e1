"""Which network a token recipe sees with."""

from pydantic import Field

from models.backbones.clip_tokens import MemorySource
from models.backbones.vv_attention import VvMode
from models.settings import PartSettings


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
