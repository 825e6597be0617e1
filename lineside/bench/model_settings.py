"""What a run of the models' benchmarks is told."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ModelBench(StrEnum):
    """The benchmarks of the models."""

    RESNET18 = "resnet18"
    NETWORK = "network"
    SEARCH = "search"
    HIGH_RESOLUTION = "high_resolution"
    TOKEN_SEARCH = "token_search"
    ANOMALIB = "anomalib"


class ModelScale(BaseModel):
    """How much is measured. More takes longer and spreads less."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repetitions: int = Field(ge=1)
    images: int = Field(ge=1, description="pictures of 256 x 256 that one measurement inspects, one after the other")
    searches: int = Field(ge=1, description="searches of one measurement")
    anomalib_references: tuple[int, ...] = Field(description="good pictures that both sides learn from")


# A measurement is short, and there are many: on a machine that also does something else, neighbours of half a second
# are disturbed alike more often than neighbours of ten.
FULL = ModelScale(
    repetitions=25,
    images=8,
    searches=40,
    # 40: anomalib remembers as many vectors as the recipe; 240: what a category of MVTec AD has on average.
    anomalib_references=(40, 240),
)
# Shows that everything works; its ratios are coarse.
QUICK = ModelScale(repetitions=5, images=3, searches=15, anomalib_references=(40,))


class ModelBenchSettings(BaseModel):
    """``threads``: of torch, on both sides. ``environment``: where anomalib is installed, made if it is not there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    benches: tuple[ModelBench, ...]
    recipe: str
    threads: int = Field(ge=1)
    scale: ModelScale = FULL
    environment: Path
