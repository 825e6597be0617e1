"""Recipes of the kind SPGDD-GPT: words, and a memory of whole references (SYSTEMS A.2)."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from models.backbones.tiling import Tiling
from models.ground.map_fusion import Fusion
from models.ground.text_delta import Metric, Norm
from models.memory.coreset import CoresetSettings
from models.memory.self_prompt import Match
from models.recipes.backbone_settings import BackboneSettings
from models.recipes.senses import Senses
from models.recipes.wordless import Wordless
from models.settings import PartSettings
from models.text.prompt_bank import TextSettings


class TddfSettings(PartSettings):
    """``temperature``: a delta of so much is a probability of .73."""

    norm: Norm
    metric: Metric
    temperature: float = Field(gt=0)
    wordless: Wordless


class SelfPromptSettings(PartSettings):
    """``rotations``: turns of each reference that are remembered; ``fusion``: with what the words say."""

    match: Match
    rotations: Literal[1, 4]
    fusion: Fusion
    coreset: CoresetSettings


class ScoreForm(StrEnum):
    """What makes an image's score of its map and of its image token."""

    MAP = "map"  # the top of the map
    CLS = "cls"  # the abnormal words' share of the image token
    FUSED = "fused"  # the mean of both


class Temperature(StrEnum):
    """What cosines are multiplied by: the exponential of CLIP's log scale, or the bare log scale of the public code."""

    EXP = "exp"
    LOG = "log"


class ScoreSettings(PartSettings):
    """``share`` of the map, from the top, is averaged; 0 = its peak. ``zero_shot_threshold``: None = no verdict."""

    image: ScoreForm
    share: float = Field(ge=0, le=1)
    temperature: Temperature
    zero_shot_threshold: float | None


class SpgddRecipe(Senses):
    """Every number of a detector, and every switch of the paper's ablations.

    ``tiling`` None: every picture is squeezed into one frame; else pictures of more than ``image_pixels`` are averaged
    down to so many, and cut.
    """

    kind: Literal["spgdd"] = "spgdd"
    backbone: BackboneSettings
    text: TextSettings
    tddf: TddfSettings
    memory: SelfPromptSettings
    score: ScoreSettings
    tiling: Tiling | None = None
    image_pixels: int = Field(default=8_388_608, ge=4096)
