"""What the settings of every process have in common: a file's keys, and ``LINESIDE_*`` variables that win over them."""

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


class ProcessSettings(BaseSettings):
    """Frozen; a key that it does not know is an error.

    ``LINESIDE_SPOOL__MAX_BYTES`` is the key ``max_bytes`` of the section ``spool``. Passwords come this way, since a
    file that names them would lie beside the others: ``LINESIDE_BROKER__OPTIONS__SASL.PASSWORD``.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="LINESIDE_", env_nested_delimiter="__", env_ignore_empty=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; no other source is read."""
        return env_settings, init_settings
