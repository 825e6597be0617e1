"""Settings of one worker process (``wire.settings_layers`` says where they come from)."""

import os
import socket
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from stream.steps.joiner import BACKLOG_S
from wire.kafka.settings import KafkaSettings
from wire.process_settings import ProcessSettings
from wire.settings_layers import load


class Role(StrEnum):
    """What a worker does; one process may hold several."""

    INSPECT = "inspect"
    STORE = "store"
    DESCRIBE = "describe"
    BUILD = "build"


class EvidencePolicy(StrEnum):
    """Of which parts evidence is kept. While a line learns, its payloads are kept anyway: they are the references."""

    ALL = "all"
    FLAGGED = "flagged"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TelemetryAddress(_Section):
    """Where /metrics, /livez and /readyz are served."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535, description="0 = any free port")


class InspectLimits(_Section):
    """Bounds of the inspect role."""

    max_batch: int = Field(default=8, ge=1, description="parts in one call of the detector")
    decode_threads: int = Field(default=2, ge=1)
    evidence_threads: int = Field(default=4, ge=1)
    # Larger: a batch that fails late repeats more. Smaller: the detector waits for decoding.
    work_bytes: int = Field(default=256 << 20, ge=1 << 20, description="memory of parts between due and finished")
    held_bytes: int = Field(default=256 << 20, ge=1 << 20, description="memory of parts that wait for their modalities")
    state_bytes: int = Field(default=1 << 30, ge=0, description="memory of the lines' states (least recently used go)")
    idle_s: float = Field(default=3.0, gt=0, description="silence after which a partition's time follows the clock")
    backlog_s: float = Field(
        default=BACKLOG_S, ge=0, description="how long beyond its deadline a part waits for a source's spool to drain"
    )
    evidence: EvidencePolicy = EvidencePolicy.ALL
    model_threads: int | None = Field(default=None, ge=1, description="threads of the detector; none: its own choice")
    model_cpu: int | None = Field(default=None, ge=0, description="core that the detector's thread is pinned to")
    device: str = "cpu"


class StoreLimits(_Section):
    """Bounds of the store role."""

    max_batch: int = Field(default=500, ge=1, description="messages in one transaction")
    patience_s: float = Field(default=300.0, gt=0, description="how long a database that is away is waited for")
    ledger_every_s: float = Field(default=5.0, gt=0, description="how often the ledger's metrics are computed")


class BuildLimits(_Section):
    """Bounds of the build and describe roles."""

    lease_s: float = Field(default=60.0, gt=1, description="a job of a worker that died is free again after this time")
    poll_s: float = Field(
        default=1.0, gt=0, description="how often jobs of other workers and learning lines are looked for"
    )


class WorkerSettings(ProcessSettings):
    """Everything one worker process needs to know."""

    roles: Annotated[tuple[Role, ...], NoDecode] = Field(min_length=1)
    broker: KafkaSettings
    database: SecretStr = Field(description="SQLAlchemy URL")
    objects: str = Field(description="object store URL: file:///directory or s3://bucket/prefix")
    recipe: str = Field(default="embedded", description="name of a detector's recipe, or the path of its YAML file")
    recipe_changes: dict[str, str] = Field(
        default_factory=dict,
        description="keys of the recipe to change, e.g. {backbone.weights: /weights/clip.safetensors}",
    )
    name: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}", description="this worker's name")
    telemetry: TelemetryAddress = TelemetryAddress()
    # With the embedded broker a join takes the session timeout; with a real one short sessions make false alarms.
    session_timeout_s: float | None = Field(default=None, gt=1)
    patience_s: float = Field(default=120.0, gt=0, description="how long broker and object store are waited for")
    inspect: InspectLimits = InspectLimits()
    store: StoreLimits = StoreLimits()
    build: BuildLimits = BuildLimits()
    log_json: bool = True
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @field_validator("roles", mode="before")
    @classmethod
    def _split(cls, roles: Any) -> Any:
        return tuple(filter(None, roles.split(","))) if isinstance(roles, str) else roles

    @field_validator("roles")
    @classmethod
    def _distinct(cls, roles: tuple[Role, ...]) -> tuple[Role, ...]:
        return tuple(dict.fromkeys(roles))


def load_settings(path: Path | None, roles: Sequence[str] | None = None, flags: Sequence[str] = ()) -> WorkerSettings:
    """Read ``path`` (None: environment and flags alone); ``roles`` win over all. ConfigurationError: all problems."""
    return load(path, WorkerSettings, [*flags, *([f"roles={','.join(roles)}"] if roles else [])])
