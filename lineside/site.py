"""Which site a command talks to: flags first, then ``LINESIDE_*``, then the ``site.json`` of the data folder."""

import os
from datetime import datetime
from pathlib import Path
from typing import NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.data_folder import DataFolder
from wire.errors import ConfigurationError
from wire.kafka.settings import KafkaSettings
from wire.settings_file import problems, read_keys


class SiteFile(BaseModel):
    """``<data-dir>/site.json``: written by ``lineside up``, read by every other command."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    started_at: datetime
    stopped_at: datetime | None = None
    bootstrap: str
    embedded: bool
    broker_options: Path | None = None
    database: str
    objects: str
    page: str = ""
    plant_control: str = ""
    lines: tuple[str, ...] = ()
    telemetry: dict[str, str] = Field(default_factory=dict)  # process -> address of its /metrics
    pids: dict[str, int] = Field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; readable by its owner alone, since URLs may carry passwords."""
        draft = path.with_name(f".{path.name}~")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=2))
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read the file, None if there is none. ConfigurationError if it is damaged."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from error
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigurationError(problems(error, where=str(path))) from error


class Site:
    """A site as a command sees it. What is not known raises ConfigurationError with the ways to say it."""

    def __init__(
        self, *, data_dir: Path, broker: str | None = None, database: str | None = None, objects: str | None = None
    ) -> None:
        self.folder = DataFolder(root=data_dir)
        self.file = SiteFile.read(self.folder.site_file)
        self._broker = broker
        self._database = database
        self._objects = objects

    @property
    def database(self) -> str:
        """URL of the database."""
        found = self._database or (self.file and self.file.database)
        return found or self._unknown("database", "--database URL", "LINESIDE_DATABASE")

    @property
    def objects(self) -> str:
        """URL of the object store."""
        found = self._objects or (self.file and self.file.objects)
        return found or self._unknown("object store", "--objects URL", "LINESIDE_OBJECTS")

    @property
    def page(self) -> str:
        """Address of the operator pages."""
        return (self.file and self.file.page) or self._unknown("page", "--url URL", "LINESIDE_URL")

    @property
    def plant_control(self) -> str:
        """Address of the virtual plant's control API."""
        return (self.file and self.file.plant_control) or self._unknown("plant", "--url URL", "LINESIDE_PLANT")

    @property
    def broker(self) -> KafkaSettings:
        """How to reach Kafka."""
        options = {
            **read_broker_options(self.file.broker_options if self.file else broker_options_from_environment()),
            **_single_broker_options(),
        }
        if self._broker:
            return kafka_settings(self._broker, options=options, where="--broker")
        if self.file is None:
            self._unknown("broker", "--broker HOST:PORT", "LINESIDE_BROKER")
        if self.file.embedded and self.file.stopped_at:
            raise ConfigurationError([
                f"{self.folder.site_file}: this site's broker was the embedded one, which ended with it at "
                f"{self.file.stopped_at:%Y-%m-%d %H:%M:%S} UTC; start it again with `lineside up`"
            ])  # fmt: skip
        return kafka_settings(
            self.file.bootstrap, embedded=self.file.embedded, options=options, where=str(self.folder.site_file)
        )

    def _unknown(self, what: str, flag: str, variable: str) -> NoReturn:
        raise ConfigurationError([
            f"which {what}? {self.folder.site_file} does not tell (no `lineside up` ran there): "
            f"give {flag}, set {variable}, or name the data folder with --data-dir or LINESIDE_DATA_DIR"
        ])  # fmt: skip


def broker_options_from_environment() -> Path | None:
    """The file that LINESIDE_BROKER_OPTIONS names."""
    name = os.environ.get("LINESIDE_BROKER_OPTIONS")
    return Path(name) if name else None


def _single_broker_options() -> dict[str, object]:
    """What the variables say that every process reads, too: ``LINESIDE_BROKER__OPTIONS__SASL.PASSWORD``."""
    prefix = "LINESIDE_BROKER__OPTIONS__"
    return {name[len(prefix) :].lower(): value for name, value in os.environ.items() if name.upper().startswith(prefix)}


def read_broker_options(path: Path | None) -> dict[str, object]:
    """Librdkafka settings (TLS, SASL) from a YAML file. ConfigurationError if it cannot be read as such."""
    if path is None:
        return {}
    return {str(name): value for name, value in read_keys(path).items()}


def kafka_settings(
    bootstrap: str, *, embedded: bool = False, options: dict[str, object] | None = None, where: str
) -> KafkaSettings:
    """Check and build; ConfigurationError names ``where`` the wrong value came from."""
    try:
        return KafkaSettings.model_validate({"bootstrap": bootstrap, "embedded": embedded, "options": options or {}})
    except ValidationError as error:
        raise ConfigurationError(problems(error, where=where)) from error
