"""Which offsets of one partition may be acknowledged: only the contiguous prefix that is done, in order, each once.

Faust commits over a hole of one message, and over any hole when nothing was committed before (CONVENTIONS §1.2).
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

# A prefix that may not be cut holds back at most this many finished offsets. Larger: a crash repeats more work.
# Smaller: under heavy overlap of parts without ids, a crash at the wrong moment may split such a part in two rows.
MAX_HELD_BACK = 10_000


@dataclass(slots=True)
class _Entry:
    offset: int
    is_barrier: bool
    is_finished: bool = False
    is_settling: bool = False
    # The last offset that has to be acknowledged together with this one.
    together_with: int = -1


class Prefix:
    """Offsets between reading and acknowledgement.

    A *barrier* (a heartbeat) is due when everything in front of it is finished; it is finished by whoever settles it.
    Offsets finished *together* are acknowledged in one piece: a part without an id is named after its first event, so
    that a replay which began in its middle would invent a second part.
    """

    def __init__(self, *, max_held_back: int = MAX_HELD_BACK) -> None:
        self._max_held_back = max_held_back
        self._open: deque[_Entry] = deque()
        self._entries: dict[int, _Entry] = {}
        self._held_back: list[int] = []
        self._cut_after = -1
        self._last = -1

    def add(self, offset: int, *, barrier: bool = False) -> bool:
        """Begin to track an offset; False if it came before (delivered twice within one assignment)."""
        if offset <= self._last:
            return False
        self._last = offset
        entry = _Entry(offset, barrier)
        self._open.append(entry)
        self._entries[offset] = entry
        return True

    def finish(self, offsets: Iterable[int], *, together: bool = False) -> None:
        """Mark offsets as done. ValueError if one is not tracked (never added, or finished and released before)."""
        offsets = list(offsets)
        last = max(offsets, default=-1) if together else -1
        for offset in offsets:
            entry = self._entries.get(offset)
            if entry is None or entry.is_finished:
                raise ValueError(f"offset {offset} is finished twice or was never read")
            entry.is_finished = True
            entry.together_with = last

    def release(self) -> list[int]:
        """The offsets to acknowledge now, ascending; each is returned once."""
        released: list[int] = []
        while self._open and self._open[0].is_finished:
            entry = self._open.popleft()
            del self._entries[entry.offset]
            self._held_back.append(entry.offset)
            self._cut_after = max(self._cut_after, entry.together_with)
            if entry.offset >= self._cut_after or len(self._held_back) >= self._max_held_back:
                released += self._held_back
                self._held_back.clear()
        return released

    def due_barriers(self) -> list[int]:
        """Barriers that only finished offsets and other barriers precede; each is returned once."""
        due = []
        for entry in self._open:
            if not entry.is_finished and not entry.is_barrier:
                break
            if entry.is_barrier and not entry.is_finished and not entry.is_settling:
                entry.is_settling = True
                due.append(entry.offset)
        return due

    @property
    def unfinished(self) -> int:
        """How many offsets are read and not done."""
        return sum(not entry.is_finished for entry in self._open)
