"""What to look for in the history, and where a page of it ended."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Tuple, exists, literal, select, tuple_

from storage.schema import inspections, regions
from wire.errors import DecodeError
from wire.finding import Mode, Verdict
from wire.timestamps import from_rfc3339, to_rfc3339


@dataclass(frozen=True, kw_only=True)
class HistoryFilter:
    """Every criterion that is set must hold. ``since`` is included, ``until`` is not; both are capture times.

    ``defect_type``: a region of that type was found. ``min_score``: the fused score, raw.
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

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL over ``inspections``."""
        columns = inspections.c
        found: list[ColumnElement[bool]] = []
        if self.line is not None:
            found.append(columns.line == self.line)
        if self.product is not None:
            found.append(columns.product == self.product)
        if self.verdict is not None:
            found.append(columns.verdict == self.verdict.value)
            if self.verdict is not Verdict.OK:
                # Says it in the words of the partial index; a bound value could not be matched with it.
                found.append(columns.verdict != literal(Verdict.OK.value, literal_execute=True))
        if self.since is not None:
            found.append(columns.captured_at >= self.since)
        if self.until is not None:
            found.append(columns.captured_at < self.until)
        if self.part_id is not None:
            found.append(columns.part_id == self.part_id)
        if self.defect_type is not None:
            found.append(
                exists(
                    select(regions.c.inspection_id).where(
                        regions.c.inspection_id == columns.inspection_id, regions.c.type == self.defect_type
                    )
                )
            )
        if self.min_score is not None:
            found.append(columns.score >= self.min_score)
        if self.mode is not None:
            found.append(columns.mode == self.mode.value)
        return found


_ORDER = tuple_(inspections.c.captured_at, inspections.c.inspection_id)


@dataclass(frozen=True)
class Position:
    """A place in the history's order (capture time, then id): rows that come or go elsewhere do not move it."""

    captured_at: datetime
    inspection_id: UUID

    def to_cursor(self) -> str:
        """The position as an opaque, URL-safe text."""
        return base64.urlsafe_b64encode(f"{to_rfc3339(self.captured_at)} {self.inspection_id}".encode()).decode()

    @classmethod
    def from_cursor(cls, cursor: str) -> "Position":
        """Read ``to_cursor``'s text; DecodeError('cursor') on anything else."""
        try:
            moment, _, identifier = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
            return cls(from_rfc3339(moment), UUID(identifier))
        except (ValueError, binascii.Error, DecodeError) as error:
            raise DecodeError("cursor", f"{cursor!r} is not the end of a page") from error

    def older(self) -> ColumnElement[bool]:
        """The rows before this position."""
        return _ORDER < self._here()

    def newer(self) -> ColumnElement[bool]:
        """The rows after this position."""
        return _ORDER > self._here()

    def _here(self) -> Tuple:
        columns = inspections.c
        return tuple_(
            literal(self.captured_at, columns.captured_at.type), literal(self.inspection_id, columns.inspection_id.type)
        )


def among(places: Sequence[Position]) -> ColumnElement[bool]:
    """The rows at these places; PostgreSQL looks only into the months that they name."""
    return _ORDER.in_([(place.captured_at, place.inspection_id) for place in places])


def newest_first() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The history's order."""
    return inspections.c.captured_at.desc(), inspections.c.inspection_id.desc()
