"""Offsets that were never delivered: lost in the broker, or skipped by the client, which must not go unnoticed."""

from dataclasses import dataclass

from wire.errors import MustStop


@dataclass(frozen=True, kw_only=True)
class OffsetHole:
    """Offsets ``first``..``last`` (inclusive) that did not arrive."""

    first: int
    last: int


def find_hole(expected: int, offset: int) -> OffsetHole | None:
    """The hole between the ``expected`` next offset and the ``offset`` that came; None if there is none."""
    return OffsetHole(first=expected, last=offset - 1) if offset > expected else None


def check_lost(hole: OffsetHole, log_start: int, *, at_start: bool) -> OffsetHole | None:
    """The part of the hole in front of the log's start: the broker has dropped these records.

    ``at_start``: the hole lies between the committed offset and the first record read from there. What the log should
    have in such a hole does not exist (markers of transactions, compaction): None if nothing was lost. Later on,
    MustStop: the client skipped records, and only reading again from the committed offset brings them back.
    """
    if log_start <= hole.last and not at_start:
        raise MustStop(
            f"offsets {max(hole.first, log_start)}..{hole.last} are in the log (it begins at {log_start}) but were not "
            "delivered; the worker has to read them again from the committed offset"
        )
    last = min(hole.last, log_start - 1)
    return OffsetHole(first=hole.first, last=last) if last >= hole.first else None
