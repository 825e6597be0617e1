"""What the settings of every process have in common."""

from pydantic import BaseModel, ConfigDict


class ProcessSettings(BaseModel):
    """Frozen; a key that it does not know is an error. Read with ``wire.settings_layers.load``.

    There ``LINESIDE_SPOOL__MAX_BYTES`` is the key ``max_bytes`` of the section ``spool``. Passwords come this way,
    since a file that names them would lie beside the others: ``LINESIDE_BROKER__OPTIONS__SASL.PASSWORD``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
