"""Settings of the dashboard process (``wire.settings_layers`` says where they come from)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from wire.kafka.settings import KafkaSettings
from wire.process_settings import ProcessSettings
from wire.settings_layers import load


class TelemetryEndpoint(BaseModel):
    """Where /metrics, /livez and /readyz of this process listen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 9105


class DashboardSettings(ProcessSettings):
    """Everything the dashboard needs to know. Times in seconds unless the name says otherwise."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; others than loopback need a keys file")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(default=8080, description="Port of pages and API")
    database: SecretStr = Field(description="Database URL: sqlite:///… or postgresql://…")
    objects: str = Field(description="Object store URL: file:///… or s3://…")
    broker: KafkaSettings = Field(description="Kafka, for commands")
    keys_file: Path | None = Field(default=None, description="YAML file with the hashes of API keys")
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Host headers to answer; empty: loopback, or any with keys"
    )
    session_secret: SecretStr | None = Field(
        default=None,
        description="Signs the cookies of logged-in browsers; without one they log in anew after a restart",
    )
    session_hours: Annotated[float, Field(gt=0, le=24 * 31)] = Field(
        default=12, description="A shift, so that nobody inherits the login of the shift before"
    )
    secure_cookies: bool = Field(default=False, description="Send cookies over HTTPS only (set it behind TLS)")
    pages: bool = Field(default=True, description="Serve the operator pages; false: API alone")
    # 0.3 s: an operator sees a part within a second; faster polls cost the database and show nothing more.
    poll_s: Annotated[float, Field(ge=0.1, le=60)] = Field(
        default=0.3, description="How often new results are looked for"
    )
    telemetry: TelemetryEndpoint | None = Field(default=None, description="Where /metrics listens; without it, nowhere")
    log_json: bool = Field(default=True, description="Log as JSON lines")
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least severe level logged"
    )


def load_settings(path: Path, flags: Sequence[str] = ()) -> DashboardSettings:
    """Read ``path``; ConfigurationError lists every problem, each with its origin and key."""
    return load(path, DashboardSettings, flags)
