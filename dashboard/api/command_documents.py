"""JSON documents of commands: what became of them."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from dashboard.api.documents import Document
from storage.commands import StoredCommand
from wire.command import CommandKind, LineCommand


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
