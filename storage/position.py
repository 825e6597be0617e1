"""A place in the history's order, and the cursor that names it."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Tuple, literal, tuple_

from storage.schema import inspections
from wire.errors import DecodeError
from wire.timestamps import from_rfc3339, to_rfc3339

ORDER = tuple_(inspections.c.captured_at, inspections.c.inspection_id)


@dataclass(frozen=True)
class Position:
    """A place in that order (capture time, then id): rows that come or go elsewhere do not move it."""

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
        return ORDER < self._here()

    def newer(self) -> ColumnElement[bool]:
        """The rows after this position."""
        return ORDER > self._here()

    def _here(self) -> Tuple:
        columns = inspections.c
        return tuple_(
            literal(self.captured_at, columns.captured_at.type), literal(self.inspection_id, columns.inspection_id.type)
        )


def among(places: Sequence[Position]) -> ColumnElement[bool]:
    """The rows at these places; PostgreSQL looks only into the months that they name."""
    return ORDER.in_([(place.captured_at, place.inspection_id) for place in places])


def newest_first() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The history's order."""
    return inspections.c.captured_at.desc(), inspections.c.inspection_id.desc()
