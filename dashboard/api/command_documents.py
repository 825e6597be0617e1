"""JSON documents of commands: what a caller sends, and what became of it."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field

from dashboard.api.documents import Document
from storage.commands import StoredCommand
from wire.command import CommandKind, LineCommand

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Chosen by the caller: the same key on the same line is the same command, however often it is sent",
    ),
]
_PRODUCT = Field(default="", max_length=200, description="Product as the PLC names it; empty where lines know none")
_REASON = Field(
    default="", max_length=500, description="Ends up in the audit rows", examples=["water drop, not a crack"]
)


class CommandRequest(BaseModel):
    """What every command carries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    product: str = _PRODUCT
    reason: str = _REASON


class PartsRequest(CommandRequest):
    """Which parts are meant."""

    # A thousand ids are 40 kB; more belongs into several commands, so that one mistake stays small.
    inspections: Annotated[list[UUID], Field(min_length=1, max_length=1000, description="Inspection ids of this line")]


class RollbackRequest(CommandRequest):
    """Which version shall be used again."""

    version: Annotated[int, Field(ge=1, examples=[2])]


class RebuildRequest(CommandRequest):
    """Build a new version from the current references."""


class RateRequest(CommandRequest):
    """The share of good parts that may be flagged."""

    false_alarm_rate: Annotated[float, Field(gt=0, lt=1, examples=[0.01])]


class ThresholdRequest(CommandRequest):
    """A threshold set by hand; it wins over the quantile of the normals."""

    modality: Annotated[
        str, Field(min_length=1, max_length=80, description="A modality, or `fused`", examples=["fused"])
    ]
    threshold: Annotated[
        float, Field(ge=0, allow_inf_nan=False, description="In the unit of the raw score", examples=[3.5])
    ]


class CommandDocument(Document):
    """A command and what became of it."""

    command_id: UUID
    line: str
    product: str
    kind: CommandKind
    by: str
    reason: str
    requested_at: datetime
    status: str = Field(description="`sent` (Kafka has it), then as the builder reports", examples=["sent"])
    message: str = Field(description="What the builder said", examples=["version 4 is active"])

    @classmethod
    def of_sent(cls, command: LineCommand) -> Self:
        """A command that Kafka has and SQL does not know yet."""
        return cls(**_fields(command), status="sent", message="")

    @classmethod
    def of_stored(cls, stored: StoredCommand) -> Self:
        """A command as the builder keeps it."""
        return cls(**_fields(stored.command), status=stored.status, message=stored.message)


class CommandList(Document):
    """Commands of a line, newest first."""

    items: list[CommandDocument]


def _fields(command: LineCommand) -> dict[str, Any]:
    names = ("command_id", "line", "product", "kind", "by", "reason", "requested_at")
    return {name: getattr(command, name) for name in names}
