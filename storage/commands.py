"""What people asked of lines, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import RowMapping, select, update

from storage.clock import Clock, utc_now
from storage.database import Database
from storage.dialect_insert import insert_into
from storage.schema import commands
from wire.command import LineCommand


class CommandStatus(StrEnum):
    """How far a command has come."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class StoredCommand:
    """A command with its outcome; ``message`` is for people."""

    command: LineCommand
    status: CommandStatus
    message: str
    recorded_at: datetime
    finished_at: datetime | None


class CommandStore:
    """Commands by id: recorded once, finished once."""

    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database = database
        self._now = now

    def record(self, command: LineCommand) -> bool:
        """Remember a command; False if it is known already."""
        with self._database.begin_write() as connection:
            added = connection.execute(
                insert_into(connection, commands)
                .values(
                    command_id=command.command_id,
                    line=command.line,
                    kind=command.kind.value,
                    document=command.to_json().decode(),
                    status=CommandStatus.OPEN.value,
                    recorded_at=self._now(),
                )
                .on_conflict_do_nothing()
                .returning(commands.c.command_id)
            )
            return added.first() is not None

    def finish(self, command_id: UUID, status: CommandStatus, message: str = "") -> None:
        """Note how a command ended. Repeating it changes nothing."""
        with self._database.begin_write() as connection:
            connection.execute(
                update(commands)
                .where(commands.c.command_id == command_id, commands.c.status == CommandStatus.OPEN.value)
                .values(status=status.value, message=message, finished_at=self._now())
            )

    def get(self, command_id: UUID) -> StoredCommand | None:
        """One command; None if it never arrived."""
        with self._database.begin_read() as connection:
            row = connection.execute(select(commands).where(commands.c.command_id == command_id)).mappings().first()
        return None if row is None else _stored(row)

    def list(self, line: str, limit: int = 100) -> Sequence[StoredCommand]:
        """A line's commands, newest first."""
        columns = commands.c
        with self._database.begin_read() as connection:
            rows = connection.execute(
                select(commands)
                .where(columns.line == line)
                .order_by(columns.recorded_at.desc(), columns.command_id)
                .limit(limit)
            ).mappings()
            return [_stored(row) for row in rows]


def _stored(row: RowMapping) -> StoredCommand:
    return StoredCommand(
        command=LineCommand.from_json(row["document"]),
        status=CommandStatus(row["status"]),
        message=row["message"],
        recorded_at=row["recorded_at"],
        finished_at=row["finished_at"],
    )
