"""Recipes of the kind that ships inside: the distilled networks, or fixed filters."""

from typing import Literal, Self

from pydantic import model_validator

from models.backbones.filter_bank import FilterBankSettings
from models.kinds.classifier import KindSettings
from models.memory.patch_memory import MemorySettings
from models.recipes.network_detector import NetworkSettings
from models.recipes.senses import Senses, check_stride
from models.settings import PartSettings


class Parts(PartSettings):
    """Which implementation fills each room."""

    backbone: Literal["filter_bank", "student"]
    memory: Literal["patch_coreset", "feature_banks"]
    ground: Literal["max_otsu_normal_quantile"]
    zero_shot: Literal["self_reference", "decoder"]
    refine: Literal["local_contrast"]
    sensors: Literal["robust_statistics"]
    fusion: Literal["sidak_maximum"]
    reporter: Literal["template"]


class EmbeddedRecipe(Senses):
    """Every number of a detector: of networks that see images and depth, or of fixed filters for both."""

    kind: Literal["embedded"] = "embedded"
    parts: Parts
    network: NetworkSettings | None = None
    kinds: KindSettings | None = None
    kinds_on_depth: KindSettings | None = None
    image_filters: FilterBankSettings | None = None
    image_memory: MemorySettings | None = None

    @model_validator(mode="after")
    def _network_if_named(self) -> Self:
        parts = self.parts
        named = {parts.backbone == "student", parts.memory == "feature_banks", parts.zero_shot == "decoder"}
        if len(named | {self.network is not None}) > 1:
            raise ValueError("parts student, feature_banks and decoder come together, with their section 'network'")
        if self.kinds is not None and self.network is None:
            raise ValueError("section 'kinds' names what a network sees, and there is no section 'network'")
        if self.kinds_on_depth is not None and self.kinds is None:
            raise ValueError("section 'kinds_on_depth' without a section 'kinds': regions of images have types, too")
        return self

    @model_validator(mode="after")
    def _filters_or_network(self) -> Self:
        filters = {"image_filters": self.image_filters, "image_memory": self.image_memory,
                   "depth_filters": self.depth_filters, "depth_memory": self.depth_memory}  # fmt: skip
        wrong = [name for name, value in filters.items() if (value is None) == (self.network is None)]
        if wrong and self.network is None:
            raise ValueError(f"{', '.join(wrong)} missing: without a section 'network' fixed filters see")
        if wrong:
            raise ValueError(f"{', '.join(wrong)} beside a section 'network', which sees images and depth")
        if self.image_filters is not None:
            check_stride(self.image_filters)
        return self
