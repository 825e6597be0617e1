"""An inspection as the history knows it, with what was said about it afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from storage.schema import feedback, inspections, reports
from wire.inspection import Inspection, Report


class FeedbackLabel(StrEnum):
    """What a person said of a part."""

    GOOD = "good"
    DEFECT = "defect"


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """One person's answer to one inspection."""

    label: FeedbackLabel
    by: str
    reason: str
    given_at: datetime


@dataclass(frozen=True, kw_only=True)
class StoredInspection:
    """``stored_seq`` numbers results in the order in which they became visible; a replaced result gets a new one."""

    inspection: Inspection
    stored_seq: int
    stored_at: datetime
    report: Report | None
    feedback: tuple[Feedback, ...]


# What ``with_company`` reads of ``inspections``.
STORED_COLUMNS = (
    inspections.c.inspection_id,
    inspections.c.stored_seq,
    inspections.c.stored_at,
    inspections.c.document,
)


def with_company(connection: Connection, rows: Iterable[RowMapping]) -> list[StoredInspection]:
    """Join rows of ``STORED_COLUMNS`` with their reports and feedback (two queries for all of them)."""
    found = list(rows)
    identifiers = [row["inspection_id"] for row in found]
    if not identifiers:
        return []
    spoken = _reports(connection, identifiers)
    answers = _feedback(connection, identifiers)
    return [
        StoredInspection(
            inspection=Inspection.from_json(row["document"]),
            stored_seq=row["stored_seq"],
            stored_at=row["stored_at"],
            report=spoken.get(row["inspection_id"]),
            feedback=tuple(answers.get(row["inspection_id"], ())),
        )
        for row in found
    ]


def _reports(connection: Connection, identifiers: list[Any]) -> dict[UUID, Report]:
    columns = reports.c
    rows = connection.execute(
        select(columns.inspection_id, columns.document).where(columns.inspection_id.in_(identifiers))
    )
    return {row.inspection_id: Report.from_json(row.document) for row in rows}


def _feedback(connection: Connection, identifiers: list[Any]) -> dict[UUID, list[Feedback]]:
    answers: dict[UUID, list[Feedback]] = {}
    rows = connection.execute(
        select(feedback).where(feedback.c.inspection_id.in_(identifiers)).order_by(feedback.c.feedback_id)
    )
    for row in rows:
        answers.setdefault(row.inspection_id, []).append(
            Feedback(label=FeedbackLabel(row.label), by=row.by, reason=row.reason, given_at=row.given_at)
        )
    return answers
