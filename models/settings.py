"""Base of the settings of a recipe's parts."""

from pydantic import BaseModel, ConfigDict


class PartSettings(BaseModel):
    """Frozen numbers of one part, all of them required; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
