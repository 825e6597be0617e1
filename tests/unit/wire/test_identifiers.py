"""Identifiers: the same for the same thing, for ever; different for different things."""

from uuid import UUID, uuid5

import pytest

from wire.errors import DecodeError
from wire.identifiers import check_line_id, command_id, event_id, inspection_id


def test_identifiers_never_change_because_stored_rows_carry_them() -> None:
    namespace = UUID("6f0c5d4e-0f7b-5a57-9d0c-11e51de00001")
    assert event_id("site.area.line/camera1", "s1", 7) == uuid5(namespace, "event|22:site.area.line/camera1|2:s1|1:7")
    assert inspection_id("site.area.line", "s1", "P-7") == uuid5(namespace, "inspection|14:site.area.line|2:s1|3:P-7")
    assert command_id("site.area.line", "key") == uuid5(namespace, "command|14:site.area.line|3:key")


def test_no_two_ways_to_split_the_same_text_give_one_identifier() -> None:
    assert event_id("ab", "c", 1) != event_id("a", "bc", 1)
    assert event_id("a", "1", 11) != event_id("a", "11", 1)
    assert inspection_id("a|1:b", "c", "d") != inspection_id("a", "b", "c|1:d")


def test_different_kinds_with_equal_fields_differ() -> None:
    assert command_id("a", "b") != inspection_id("a", "b", "")


@pytest.mark.parametrize("line", ["site.area.line", "S_1.a-2.0", f"a.b.{'c' * 116}"])
def test_a_line_id_has_three_plain_parts(line: str) -> None:
    assert check_line_id(line) == line


@pytest.mark.parametrize(
    "line", ["", "line", "a.b", "a.b.c.d", "a..c", "a.b.c\n", "a/b/c", "a.b.ü", "a.b. c", f"a.b.{'c' * 117}"]
)
def test_any_other_line_id_is_a_decode_error(line: str) -> None:
    with pytest.raises(DecodeError, match=r"line_id: .* is not of the form site\.area\.line"):
        check_line_id(line)
