"""Which inspections a line learns from, and what people said of inspections; every change leaves a row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select

from storage.clock import Clock, utc_now
from storage.database import Database
from storage.schema import feedback, state_references
from storage.stored_inspection import FeedbackLabel

_ACCEPTED, _REJECTED = "accepted", "rejected"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One part a line learns from: accepted when, by whom, why."""

    inspection_id: UUID
    accepted_at: datetime
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ReferenceChange:
    """One audit row: a part became a reference or ceased to be one."""

    inspection_id: UUID
    action: str
    by: str
    reason: str
    changed_at: datetime


class ReferenceStore:
    """References of each line and product, with their audit.

    A command is obeyed once, however often it is delivered. ``command_id`` None: the product's own doing (learning),
    which is no person's answer and leaves no feedback.
    """

    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database = database
        self._now = now

    def accept(
        self,
        line: str,
        product: str,
        inspection_ids: Iterable[UUID],
        by: str,
        reason: str,
        command_id: UUID | None = None,
    ) -> int:
        """Make inspections references; the number of those that were none before."""
        with self._database.begin_write() as connection:
            fresh = self._answer(connection, line, product, inspection_ids, FeedbackLabel.GOOD, by, reason, command_id)
            known = _current(connection, line, product)
            added = [identifier for identifier in fresh if identifier not in known]
            self._change(connection, line, product, added, _ACCEPTED, by, reason, command_id)
        return len(added)

    def reject(
        self,
        line: str,
        product: str,
        inspection_ids: Iterable[UUID],
        by: str,
        reason: str,
        command_id: UUID | None = None,
    ) -> int:
        """Call inspections defects; the number of those that thereby ceased to be references."""
        with self._database.begin_write() as connection:
            fresh = self._answer(
                connection, line, product, inspection_ids, FeedbackLabel.DEFECT, by, reason, command_id
            )
            known = _current(connection, line, product)
            removed = [identifier for identifier in fresh if identifier in known]
            self._change(connection, line, product, removed, _REJECTED, by, reason, command_id)
        return len(removed)

    def current(self, line: str, product: str) -> list[Reference]:
        """The references of a line's product, in the order in which they were accepted."""
        with self._database.begin_read() as connection:
            return list(_current(connection, line, product).values())

    def changes(self, line: str, product: str) -> Sequence[ReferenceChange]:
        """The audit: every change, oldest first."""
        columns = state_references.c
        with self._database.begin_read() as connection:
            rows = connection.execute(
                select(columns.inspection_id, columns.action, columns.by, columns.reason, columns.changed_at)
                .where(columns.line == line, columns.product == product)
                .order_by(columns.change_id)
            ).mappings()
            return [ReferenceChange(**row) for row in rows]

    def _answer(
        self,
        connection: Connection,
        line: str,
        product: str,
        inspection_ids: Iterable[UUID],
        label: FeedbackLabel,
        by: str,
        reason: str,
        command_id: UUID | None,
    ) -> list[UUID]:
        """Lock the line's references and note the answers; returns the inspections that the command is new to."""
        lock_references(self._database, connection, {(line, product)})
        identifiers = list(dict.fromkeys(inspection_ids))
        if command_id is None:
            return identifiers
        answered = set(
            connection.execute(select(feedback.c.inspection_id).where(feedback.c.command_id == command_id)).scalars()
        )
        fresh = [identifier for identifier in identifiers if identifier not in answered]
        if fresh:
            row = {"line": line, "product": product, "label": label.value, "by": by, "reason": reason}
            connection.execute(
                feedback.insert(),
                [
                    {**row, "command_id": command_id, "inspection_id": identifier, "given_at": self._now()}
                    for identifier in fresh
                ],
            )
        return fresh

    def _change(
        self,
        connection: Connection,
        line: str,
        product: str,
        inspection_ids: Sequence[UUID],
        action: str,
        by: str,
        reason: str,
        command_id: UUID | None,
    ) -> None:
        if inspection_ids:
            row = {"line": line, "product": product, "action": action, "by": by, "reason": reason}
            connection.execute(
                state_references.insert(),
                [
                    {**row, "command_id": command_id, "inspection_id": identifier, "changed_at": self._now()}
                    for identifier in inspection_ids
                ],
            )


def lock_references(database: Database, connection: Connection, products: Iterable[tuple[str, str]]) -> None:
    """Let nobody else change the references of these (line, product) until the transaction ends."""
    for line, product in sorted(products):
        database.lock(connection, f"state_references/{line}/{product}")


def accepted_among(connection: Connection, inspection_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these inspections are references now, of whatever line."""
    columns = state_references.c
    newest = (
        select(func.max(columns.change_id))
        .where(columns.inspection_id.in_(inspection_ids))
        .group_by(columns.line, columns.product, columns.inspection_id)
    )
    rows = connection.execute(
        select(columns.inspection_id).where(columns.change_id.in_(newest), columns.action == _ACCEPTED)
    )
    return set(rows.scalars())


def _current(connection: Connection, line: str, product: str) -> dict[UUID, Reference]:
    columns = state_references.c
    newest = (
        select(func.max(columns.change_id))
        .where(columns.line == line, columns.product == product)
        .group_by(columns.inspection_id)
    )
    rows = connection.execute(
        select(state_references)
        .where(columns.change_id.in_(newest), columns.action == _ACCEPTED)
        .order_by(columns.change_id)
    )
    return {
        row.inspection_id: Reference(
            inspection_id=row.inspection_id, accepted_at=row.changed_at, by=row.by, reason=row.reason
        )
        for row in rows
    }
