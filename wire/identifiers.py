"""Deterministic identifiers: the same thing gets the same id however often it is delivered (DESIGN §2)."""

import re
from uuid import UUID, uuid5

from wire.errors import DecodeError

# One namespace for all of the product's uuid5 values. Changing it would rename every stored row.
NAMESPACE = UUID("6f0c5d4e-0f7b-5a57-9d0c-11e51de00001")

_LINE_ID = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}\Z")
# A Kafka key and an object-store prefix hold the line id; longer ones hit path limits of file systems.
_LINE_ID_MAX = 120


def check_line_id(line: str) -> str:
    """Return ``line`` if it reads ``site.area.line`` (letters, digits, ``_``, ``-``), else raise DecodeError."""
    if len(line) > _LINE_ID_MAX or not _LINE_ID.match(line):
        raise DecodeError("line_id", f"{line!r} is not of the form site.area.line (letters, digits, _ and -)")
    return line


def _derive(kind: str, *fields: str | int) -> UUID:
    # Length-prefixed, so that no two different field lists can spell the same name.
    return uuid5(NAMESPACE, kind + "".join(f"|{len(str(field))}:{field}" for field in fields))


def event_id(source: str, session: str, sequence: int) -> UUID:
    """Identify one captured event by who captured it, in which session, as which one."""
    return _derive("event", source, session, sequence)


def inspection_id(line: str, trigger_session: str, part: str) -> UUID:
    """Identify the inspection of one part; ``part`` is the part id, or the anchor event's id where there is none."""
    return _derive("inspection", line, trigger_session, part)


def command_id(line: str, key: str) -> UUID:
    """Identify one operator command by a key that the caller chose (idempotency key)."""
    return _derive("command", line, key)
