"""Values of context tags as text."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from asyncua import ua

from connectors.opcua.plain_value import plain_value
from connectors.opcua.tag_text import tag_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("P-17", "P-17"),
        ("P-17\0\0\0", "P-17"),
        ("  P 17 \r\n", "P 17"),
        ("\0\0", None),
        ("", None),
        (None, None),
        (4711, "4711"),
        (True, "True"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (datetime(2026, 3, 4, tzinfo=UTC), "2026-03-04 00:00:00+00:00"),
        ([1, 2], None),
        (ua.Argument(), None),
        ("\ud800", "?"),
        ("x" * 1001, "x" * 1000),
    ],
)
def test_what_a_context_tag_says(value: Any, text: str | None) -> None:
    assert tag_text(value) == text


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (ua.LocalizedText("Hebel", "de"), "Hebel"),
        (ua.LocalizedText(), None),
        (ua.QualifiedName("Recipe", 2), "Recipe"),
        (ua.StatusCode(0x80000000), "Bad"),
        (ua.NodeId("DB1", 3), "ns=3;s=DB1"),
        (b"A-1", "A-1"),
        (b"\xff\x01", "ff01"),
        (1.5, 1.5),
        ([1, 2], [1, 2]),
    ],
)
def test_types_of_the_client_library_become_plain_ones(value: Any, plain: Any) -> None:
    assert plain_value(value) == plain
