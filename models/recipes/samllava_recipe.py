"""Recipes of the kind SAM-LLaVA: words and a memory for a coarse mask, SAM for a fine one (SYSTEMS A.4)."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from models.backbones.sam.model import SamSize
from models.backbones.tiling import Tiling
from models.ground.sigmoid_gain import GainForm
from models.ground.threshold import CoarseThreshold
from models.memory.coreset import CoresetSettings
from models.recipes.backbone_settings import BackboneSettings
from models.recipes.senses import Senses
from models.recipes.wordless import Wordless
from models.refine.sam_refiner import RefinerSettings
from models.settings import PartSettings
from models.text.prompt_bank import TextSettings


class CoarseSettings(PartSettings):
    """``share`` of the coarse map, from the top, is averaged for an image's score; 0 = its peak.

    ``zero_shot_threshold``: a score above it is a defect where there is no memory; None = no verdict.
    """

    wordless: Wordless
    threshold: CoarseThreshold
    share: float = Field(ge=0, le=1)
    zero_shot_threshold: float | None


class ContextSettings(PartSettings):
    """The memory's part in the coarse map."""

    form: GainForm
    coreset: CoresetSettings


class MapForm(StrEnum):
    """What stands in the map of a picture that SAM saw (SYSTEMS Q19)."""

    SOFT = "soft"  # the middle scale's probability
    BINARY = "binary"  # the mask as the paper's M_fine: 0 or 1


class SamStageSettings(PartSettings):
    """``size`` None: no SAM, the coarse map is the answer ("no cascade").

    ``weights``: SAM's own checkpoint; ``seed``: random weights instead, for tests; ``trained``: what `lineside train
    samllava` made. Files lie beside the recipe.
    """

    size: SamSize | None
    weights: str | None
    seed: int | None = Field(ge=0)
    trained: str | None
    multiscale_prompt: bool
    multiscale_decoder: bool
    map: MapForm
    refiner: RefinerSettings

    @model_validator(mode="after")
    def _weights_for_a_size(self) -> Self:
        if self.size is not None and self.weights is None and self.seed is None:
            raise ValueError(
                f"size is {self.size} without weights: name SAM's checkpoint (--set sam.weights=FILE); weights are "
                "read from files and never downloaded"
            )
        return self


class SamLlavaRecipe(Senses):
    """Every number of a detector, and every switch of the paper's ablations.

    ``image_pixels``: larger pictures are averaged down to so many; ``tiling`` None: each is squeezed into one frame.
    """

    kind: Literal["samllava"] = "samllava"
    backbone: BackboneSettings
    text: TextSettings
    coarse: CoarseSettings
    context: ContextSettings
    sam: SamStageSettings
    tiling: Tiling | None
    image_pixels: int = Field(ge=4096)
