"""What to look for in the history."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, literal, select

from storage.position import ORDER
from storage.schema import feedback, inspections, regions
from wire.finding import Mode, Verdict


@dataclass(frozen=True, kw_only=True)
class HistoryFilter:
    """Every criterion that is set must hold. ``since`` is included, ``until`` is not; both are capture times.

    ``defect_type``: a region of that type was found. ``min_score``: the fused score, raw. ``answered``: whether
    a person said something of the part.
    """

    line: str | None = None
    product: str | None = None
    verdict: Verdict | None = None
    since: datetime | None = None
    until: datetime | None = None
    part_id: str | None = None
    defect_type: str | None = None
    min_score: float | None = None
    mode: Mode | None = None
    answered: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL over ``inspections``."""
        columns = inspections.c
        found = in_range(columns, self.line, self.since, self.until)
        if self.product is not None:
            found.append(columns.product == self.product)
        if self.verdict is not None:
            found.append(columns.verdict == self.verdict.value)
            if self.verdict is not Verdict.OK:
                # Says it in the words of the partial index; a bound value could not be matched with it.
                found.append(columns.verdict != literal(Verdict.OK.value, literal_execute=True))
        if self.part_id is not None:
            found.append(columns.part_id == self.part_id)
        if self.defect_type is not None:
            # From the regions to the parts: good parts, which are most, have none and are not looked at.
            showing = select(regions.c.captured_at, regions.c.inspection_id).where(
                regions.c.type == self.defect_type, *in_range(regions.c, self.line, self.since, self.until)
            )
            found.append(ORDER.in_(showing))
        if self.min_score is not None:
            found.append(columns.score >= self.min_score)
        if self.mode is not None:
            found.append(columns.mode == self.mode.value)
        if self.answered is not None:
            said = exists().where(feedback.c.inspection_id == columns.inspection_id)
            found.append(said if self.answered else ~said)
        return found


def in_range(
    columns: Any, line: str | None, since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    """Rows of a line captured in [since, until), of any table that has ``line`` and ``captured_at``; None = any."""
    conditions: list[ColumnElement[bool]] = []
    if line is not None:
        conditions.append(columns.line == line)
    if since is not None:
        conditions.append(columns.captured_at >= since)
    if until is not None:
        conditions.append(columns.captured_at < until)
    return conditions
