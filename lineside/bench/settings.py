"""What a run of the benchmarks is told."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Bench(StrEnum):
    """The benchmarks of the stream."""

    PUBLISH = "publish"
    INSPECT = "inspect"
    STORE = "store"
    MEMORY = "memory"


class Scale(BaseModel):
    """How much is measured. More takes longer and spreads less."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repetitions: int = Field(ge=1)
    publish_bytes: int = Field(ge=1, description="payload bytes that one measurement publishes")
    inspect_parts: int = Field(ge=16, description="parts in the backlog of one measurement")
    store_batches: int = Field(ge=1, description="transactions of one measurement")
    store_batch: int = Field(ge=1, description="inspections in one transaction")
    memory_parts: tuple[int, int] = Field(description="frames in the small and the large backlog")


# One measurement takes a second or more, so that a scheduler's tick and a flush of the disk weigh little.
FULL = Scale(
    repetitions=7,
    publish_bytes=256 * 1024 * 1024,
    inspect_parts=320,
    store_batches=12,
    store_batch=500,  # what the store takes at most (StoreLimits.max_batch)
    memory_parts=(200, 20_000),
)
# Shows that everything works; its ratios are coarse.
QUICK = Scale(
    repetitions=3,
    publish_bytes=24 * 1024 * 1024,
    inspect_parts=64,
    store_batches=4,
    store_batch=100,
    memory_parts=(200, 2_000),
)


class BenchSettings(BaseModel):
    """``broker`` None: an embedded one is started; ``database`` None: SQLite alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    benches: tuple[Bench, ...] = tuple(Bench)
    broker: str | None = None
    database: str | None = None
    scale: Scale = FULL
