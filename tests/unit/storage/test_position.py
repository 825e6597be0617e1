from datetime import UTC, datetime
from uuid import UUID

import pytest

from storage.position import Position
from wire.errors import DecodeError

PLACE = Position(datetime(2025, 3, 14, 6, 30, 0, 123456, tzinfo=UTC), UUID(int=7))


def test_a_cursor_leads_back_to_its_place() -> None:
    assert Position.from_cursor(PLACE.to_cursor()) == PLACE


def test_a_cursor_can_stand_in_a_url() -> None:
    assert set(PLACE.to_cursor()) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")


@pytest.mark.parametrize("cursor", ["", "x", "ü", "AAAA", "MjAyNS0wMy0xNCBub3BlCg==", PLACE.to_cursor()[:-8]])
def test_anything_else_is_refused_as_a_cursor(cursor: str) -> None:
    with pytest.raises(DecodeError, match=r"cursor: .* is not the end of a page"):
        Position.from_cursor(cursor)
