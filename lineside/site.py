"""Which site a command talks to: the layers of every process's settings, over the ``site.json`` of the data folder."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.data_folder import DataFolder
from lineside.site_settings import SiteSettings, given_by_file
from wire.errors import ConfigurationError
from wire.kafka.settings import KafkaSettings
from wire.settings_file import problems, read_keys
from wire.settings_layers import Given, load_layers


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
    """A site as a command sees it: options, ``--set``, ``LINESIDE_*``, a file, and ``site.json``, in this order.

    What is not known raises ConfigurationError with the ways to say it.
    """

    def __init__(
        self, *, data_dir: Path, config: Path | None = None, flags: Sequence[str] = (), **options: str | None
    ) -> None:
        """``options``: broker, database, objects, url, plant, as on the command line."""
        self.folder = DataFolder(root=data_dir)
        self.file = SiteFile.read(self.folder.site_file)
        self.loaded = load_layers(
            SiteSettings,
            None,
            flags,
            below=[*self._given_by_site_file(), *(given_by_file(config) if config else ())],
            above=_given_by_options(options),
        )
        self._settings = self.loaded.settings

    @property
    def database(self) -> str:
        """URL of the database."""
        found = self._settings.database
        return found.get_secret_value() if found else self._unknown("database", "--database URL", "LINESIDE_DATABASE")

    @property
    def objects(self) -> str:
        """URL of the object store."""
        return self._settings.objects or self._unknown("object store", "--objects URL", "LINESIDE_OBJECTS")

    @property
    def page(self) -> str:
        """Address of the operator pages."""
        return self._settings.url or self._unknown("page", "--url URL", "LINESIDE_URL")

    @property
    def plant_control(self) -> str:
        """Address of the virtual plant's control API."""
        return self._settings.plant or self._unknown("plant", "--url URL", "LINESIDE_PLANT")

    @property
    def broker(self) -> KafkaSettings:
        """How to reach Kafka."""
        found = self._settings.broker
        if found.bootstrap is None:
            self._unknown("broker", "--broker HOST:PORT", "LINESIDE_BROKER")
        said_by = self.loaded.origin(("broker", "bootstrap"))
        is_of_site_file = said_by == str(self.folder.site_file)
        if is_of_site_file and found.embedded and self.file is not None and self.file.stopped_at:
            raise ConfigurationError([
                f"{self.folder.site_file}: this site's broker was the embedded one, which ended with it at "
                f"{self.file.stopped_at:%Y-%m-%d %H:%M:%S} UTC; start it again with `lineside up`"
            ])  # fmt: skip
        # That another broker is embedded is nothing that site.json could know.
        embedded_by = self.loaded.origin(("broker", "embedded"))
        is_embedded = found.embedded and (is_of_site_file or embedded_by != str(self.folder.site_file))
        own = {name: value.get_secret_value() for name, value in found.options.items()}
        options = {**read_broker_options(self._settings.broker_options), **own}
        return kafka_settings(found.bootstrap, embedded=is_embedded, options=options, where=said_by)

    def _given_by_site_file(self) -> list[Given]:
        if self.file is None:
            return []
        known = {
            "broker": {"bootstrap": self.file.bootstrap, "embedded": self.file.embedded},
            "broker_options": self.file.broker_options,
            "database": self.file.database,
            "objects": self.file.objects,
            "url": self.file.page,
            "plant": self.file.plant_control,
        }
        origin = str(self.folder.site_file)
        return [Given(place=(name,), value=value, origin=origin) for name, value in known.items() if value]

    def _unknown(self, what: str, flag: str, variable: str) -> NoReturn:
        raise ConfigurationError([
            f"which {what}? {self.folder.site_file} does not tell (no `lineside up` ran there): "
            f"give {flag}, set {variable}, or name the data folder with --data-dir (LINESIDE_DATA_DIR) or a file "
            "with --config (LINESIDE_CONFIG)"
        ])  # fmt: skip


def _given_by_options(options: Mapping[str, str | None]) -> list[Given]:
    places = {"broker": ("broker", "bootstrap")}
    flags = {"plant": "--url"}
    return [
        Given(place=places.get(name, (name,)), value=value, origin=flags.get(name, f"--{name}"))
        for name, value in options.items()
        if value
    ]


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
