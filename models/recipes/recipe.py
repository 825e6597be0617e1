"""A recipe file: read, checked, and hashed."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from models.backbones.filter_bank import FilterBankSettings
from models.backbones.geometry import GeometrySettings
from models.ground.self_reference import SelfReferenceSettings
from models.kinds.classifier import KindSettings
from models.memory.patch_memory import MemorySettings
from models.memory.sensor_memory import SensorSettings
from models.recipes.network_detector import NetworkSettings
from models.refine.local_contrast import LocalContrastSettings
from models.settings import PartSettings
from wire.errors import ConfigurationError

_FOLDER = Path(__file__).parent


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


class Recipe(PartSettings):
    """Every number of a detector."""

    name: str
    revision: int = Field(ge=1)
    parts: Parts
    network: NetworkSettings | None = None
    kinds: KindSettings | None = None
    image_filters: FilterBankSettings
    depth_filters: FilterBankSettings
    geometry: GeometrySettings
    max_pixels: int = Field(ge=4096)
    batch_pixels: int = Field(ge=4096)
    image_memory: MemorySettings
    depth_memory: MemorySettings
    zero_shot: SelfReferenceSettings
    sharpening: LocalContrastSettings
    sensors: SensorSettings

    @model_validator(mode="after")
    def _network_if_named(self) -> Self:
        parts = self.parts
        named = {parts.backbone == "student", parts.memory == "feature_banks", parts.zero_shot == "decoder"}
        if len(named | {self.network is not None}) > 1:
            raise ValueError("parts student, feature_banks and decoder come together, with their section 'network'")
        if self.kinds is not None and self.network is None:
            raise ValueError("section 'kinds' names what a network sees, and there is no section 'network'")
        return self

    @model_validator(mode="after")
    def _powers_of_two(self) -> Self:
        for filters in (self.image_filters, self.depth_filters):
            if filters.stride_px & (filters.stride_px - 1) or filters.stride_px < 2:
                raise ValueError(f"stride_px is {filters.stride_px}, expected a power of two")
        return self

    def canonical(self) -> bytes:
        """The same bytes for the same numbers, whatever the file's layout; weights are known by hash, not by place."""
        places = {"network": {"weights"}, "kinds": {"weights"}}
        return json.dumps(self.model_dump(mode="json", exclude=places), sort_keys=True, separators=(",", ":")).encode()


def read_recipe(recipe: str) -> Recipe:
    """A shipped recipe by name, or a YAML file by path. ConfigurationError lists everything that is wrong with it."""
    path = _FOLDER / f"{recipe}.yaml"
    if recipe.endswith((".yaml", ".yml")):
        path = Path(recipe)
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(file.stem for file in _FOLDER.glob("*.yaml")))
        raise ConfigurationError([f"recipe {recipe!r}: {error.strerror}; shipped recipes: {known}"]) from error
    except yaml.YAMLError as error:
        raise ConfigurationError([f"{path}: {error}"]) from error
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(
            [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}, got {e['input']!r}" for e in error.errors()]
        ) from error


def weights_file(recipe: str, settings: NetworkSettings | KindSettings) -> Path:
    """Where weights of a recipe lie: beside its file."""
    beside = Path(recipe).parent if recipe.endswith((".yaml", ".yml")) else _FOLDER
    return beside / settings.weights


def digest_of(recipe: Recipe, weights: dict[str, bytes]) -> str:
    """sha256 over the recipe and the bytes of every weight, by name."""
    digest = hashlib.sha256(recipe.canonical())
    for name in sorted(weights):
        digest.update(f";{name}:{len(weights[name])};".encode())
        digest.update(weights[name])
    return digest.hexdigest()
