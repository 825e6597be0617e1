"""The value of a context tag as text. Pure."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

# PLCs pad strings of a fixed length with NUL or blanks; a camera PC that tells the same part id does not.
_PADDING: Final = "\0 \t\r\n"
# An id is tens of characters. It travels as a header of every event of its part: a string that a PLC filled by mistake
# would make the message larger than a broker takes.
_MOST_CHARACTERS: Final = 1000


def tag_text(value: Any) -> str | None:
    """Text, number, time or id without padding; None where there is nothing left, and for lists and structures."""
    if not isinstance(value, str | int | float | datetime | UUID):
        return None
    # What cannot be written as UTF-8 could not travel.
    return str(value).strip(_PADDING)[:_MOST_CHARACTERS].encode(errors="replace").decode() or None
