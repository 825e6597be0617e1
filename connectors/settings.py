"""What every connector is told: its line, the broker, the object store, the spool, where its metrics are."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.spool import SpoolPolicy
from wire.errors import DecodeError
from wire.identifiers import check_line_id
from wire.kafka.settings import KafkaSettings
from wire.process_settings import ProcessSettings


def _line_id(text: str) -> str:
    try:
        return check_line_id(text)
    except DecodeError as error:
        raise ValueError(f"{error}; write it like plant1.hall2.line3") from error


LineId = Annotated[str, AfterValidator(_line_id)]


class Strict(BaseModel):
    """Frozen; a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SpoolSettings(Strict):
    """Where events wait while they cannot be published, how many bytes of them, and what happens beyond."""

    directory: Path = Field(description="a folder of this connector's own, on a disk that survives a power cut")
    # A GiB is some hours of one camera at 10 MB/min; below 1 MiB not even one frame of an area camera fits.
    max_bytes: int = Field(default=1024**3, ge=1024**2, description="bound of what it may hold on disk")
    policy: SpoolPolicy = Field(
        default=SpoolPolicy.EVERY_FRAME, description="every_frame: refuse when full; freshest: drop the oldest"
    )
    # Age is judged in sixteenths; below a minute those are shorter than a broker's restart.
    max_age_s: float | None = Field(default=None, ge=60, description="freshest: what waits longer is dropped")
    # Longer than a broker's restart, which then cuts no part in two; verdicts of new parts are later by as much.
    new_first_after_s: float | None = Field(
        default=10.0, ge=0, description="how long its oldest event has waited before new ones pass it; null: never"
    )
    drain_per_new: float = Field(
        default=3.0, gt=0, le=1000, description="events of the spool published for each new one that passes it"
    )

    @model_validator(mode="after")
    def _age_fits(self) -> "SpoolSettings":
        if self.max_age_s is not None and self.policy is not SpoolPolicy.FRESHEST:
            raise ValueError("max_age_s: the policy every_frame drops nothing by age; take freshest, or remove it")
        return self


class TelemetrySettings(Strict):
    """Address of /metrics, /livez and /readyz."""

    host: str = Field(default="127.0.0.1", description="address to listen on; loopback unless told otherwise")
    port: int = Field(default=0, ge=0, le=65535, description="TCP port; 0 takes a free one, which the log names")


class ConnectorSettings(ProcessSettings):
    """Keys that every connector's file has."""

    line: LineId = Field(description="site.area.line; the Kafka key of everything this connector sends")
    broker: KafkaSettings
    objects: str = Field(description="object store for large payloads: file:///folder or s3://bucket")
    spool: SpoolSettings
    telemetry: TelemetrySettings = TelemetrySettings()
    # Inspect calls a source silent after some missed beats; a slower beat delays every partial part by as much.
    heartbeat_s: float = Field(default=1.0, gt=0, le=60, description="seconds between two heartbeats of a source")

    @field_validator("objects")
    @classmethod
    def _is_url(cls, objects: str) -> str:
        if "://" not in objects:
            raise ValueError(f"{objects!r} is no URL; write file:///folder or s3://bucket")
        return objects


def check_source_name(name: str, line: str) -> str:
    """Return ``name`` if it belongs to ``line`` (``<line>/<device>``), else raise ValueError."""
    prefix, _, device = name.partition("/")
    if prefix != line or not device:
        raise ValueError(f"source {name!r} does not belong to line {line!r}; write {line}/<device>")
    return name
