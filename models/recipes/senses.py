"""What every recipe holds, whatever it sees images with: depth, point clouds, sensors, regions."""

import json
from typing import Any, Self

from pydantic import Field, model_validator

from models.backbones.filter_bank import FilterBankSettings
from models.backbones.geometry import GeometrySettings
from models.ground.self_reference import SelfReferenceSettings
from models.memory.patch_memory import MemorySettings
from models.memory.sensor_memory import SensorSettings
from models.refine.local_contrast import LocalContrastSettings
from models.settings import PartSettings


class Senses(PartSettings):
    """Base of the recipes: each ``kind`` adds how images are seen.

    ``depth_filters`` with ``depth_memory``: fixed filters for depth, in recipes whose networks do not see it.
    """

    kind: str
    name: str
    revision: int = Field(ge=1)
    depth_filters: FilterBankSettings | None = None
    geometry: GeometrySettings
    max_pixels: int = Field(ge=4096)
    batch_pixels: int = Field(ge=4096)
    depth_memory: MemorySettings | None = None
    zero_shot: SelfReferenceSettings
    sharpening: LocalContrastSettings
    sensors: SensorSettings

    @model_validator(mode="after")
    def _power_of_two(self) -> Self:
        if self.depth_filters is not None:
            check_stride(self.depth_filters)
        return self

    def canonical(self) -> bytes:
        """The same bytes for the same numbers, whatever the file's layout; weights are known by hash, not by place."""
        numbers = _without_places(self.model_dump(mode="json"))
        return json.dumps(numbers, sort_keys=True, separators=(",", ":")).encode()


def check_stride(filters: FilterBankSettings) -> None:
    """ValueError unless the stride is a power of two."""
    if filters.stride_px & (filters.stride_px - 1) or filters.stride_px < 2:
        raise ValueError(f"stride_px is {filters.stride_px}, expected a power of two")


def _without_places(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _without_places(each) for name, each in value.items() if name != "weights"}
