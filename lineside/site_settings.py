"""What every command that talks to a site needs to know of it, in the layers of every process's settings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import Field, SecretStr, field_validator

from wire.errors import ConfigurationError
from wire.kafka.settings import options_as_text
from wire.process_settings import ProcessSettings
from wire.settings_file import read_keys
from wire.settings_layers import Given


class BrokerPlace(ProcessSettings):
    """Section ``broker``, which a command that only asks the database does without."""

    bootstrap: str | None = Field(default=None, description="host:port of one broker or more, separated by commas")
    embedded: bool = Field(default=False, description="the broker is Lineside's own, of a `lineside up` that runs")
    options: dict[str, SecretStr] = Field(
        default_factory=dict, description="librdkafka settings, e.g. security.protocol; they win over broker_options"
    )

    @field_validator("options", mode="before")
    @classmethod
    def _as_text(cls, options: Any) -> Any:
        return options_as_text(options)


class SiteSettings(ProcessSettings):
    """Where a site is. A command takes of it what it needs, and says what is missing."""

    broker: BrokerPlace = BrokerPlace()
    broker_options: Path | None = Field(default=None, description="YAML file of librdkafka settings (TLS, SASL)")
    database: SecretStr | None = Field(default=None, description="sqlite:///FILE or postgresql://…")
    objects: str | None = Field(default=None, description="object store URL: file:///FOLDER or s3://BUCKET/PREFIX")
    url: str | None = Field(default=None, description="address of the operator pages")
    plant: str | None = Field(default=None, description="address of the virtual plant's control API")


_OWN: Final = frozenset(SiteSettings.model_fields)


def given_by_file(path: Path) -> Iterator[Given]:
    """What a file says of the site: one of its own, or that of a worker or dashboard, which names the same things.

    ConfigurationError on a key that none of them knows.
    """
    keys = read_keys(path)
    if others := keys.keys() - _OWN:
        # Here, because a file of the site's own keys need not wait for the libraries of a process.
        from dashboard.settings import DashboardSettings
        from stream.settings import WorkerSettings

        known = WorkerSettings.model_fields.keys() | DashboardSettings.model_fields.keys()
        if unknown := sorted(map(str, others - known)):
            remedy = f"is none of {', '.join(sorted(_OWN))}; remove it, or correct its spelling"
            raise ConfigurationError([f"{path}: {key}: {remedy}" for key in unknown])
    return (Given(place=(key,), value=value, origin=str(path)) for key, value in keys.items() if key in _OWN)
