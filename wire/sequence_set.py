"""A set of sequence numbers kept as intervals: the ledger's arithmetic over millions of frames in a few bytes."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from wire.errors import DecodeError

# A sequence number as text: ASCII digits (int() reads many more alphabets), 63 bits at most.
SEQUENCE = re.compile(r"[0-9]{1,18}\Z")


class SequenceSet:
    """Mutable set of non-negative integers, stored as sorted disjoint inclusive intervals.

    Consecutive numbers cost nothing; each hole costs one more interval. Text form: ``0-41,43,50-60``.
    Merging the sets of several runs of a connector counts a frame once, which adding up counters would not.
    """

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for number in numbers:
            self.add(number)

    @classmethod
    def from_intervals(cls, intervals: Iterable[tuple[int, int]]) -> "SequenceSet":
        """Build from inclusive (first, last) pairs in any order; they may overlap."""
        result = cls()
        for first, last in sorted(intervals):
            if first < 0 or last < first:
                raise ValueError(f"{first}-{last} is not an interval of sequence numbers")
            if result._lasts and first <= result._lasts[-1] + 1:
                result._lasts[-1] = max(result._lasts[-1], last)
            else:
                result._firsts.append(first)
                result._lasts.append(last)
        return result

    @classmethod
    def parse(cls, text: str) -> "SequenceSet":
        """Read the text form; DecodeError('ledger') on anything else."""
        pairs = []
        for piece in filter(None, text.split(",")):
            first, dash, last = piece.partition("-")
            if not SEQUENCE.match(first) or (dash and not SEQUENCE.match(last)):
                raise DecodeError("ledger", f"{piece!r} is not an interval of sequence numbers")
            pairs.append((int(first), int(last or first)))
        try:
            return cls.from_intervals(pairs)
        except ValueError as error:
            raise DecodeError("ledger", str(error)) from error

    def add(self, number: int) -> bool:
        """Add one number; False if it was there already. O(1) at the end, O(log n) to find, O(n) to insert a hole."""
        if number < 0:
            raise ValueError(f"{number} is not a sequence number")
        at = bisect_right(self._firsts, number) - 1
        if at >= 0 and number <= self._lasts[at]:
            return False
        joins_left = at >= 0 and self._lasts[at] == number - 1
        joins_right = at + 1 < len(self._firsts) and self._firsts[at + 1] == number + 1
        if joins_left and joins_right:
            self._lasts[at] = self._lasts.pop(at + 1)
            del self._firsts[at + 1]
        elif joins_left:
            self._lasts[at] = number
        elif joins_right:
            self._firsts[at + 1] = number
        else:
            self._firsts.insert(at + 1, number)
            self._lasts.insert(at + 1, number)
        return True

    def discard(self, number: int) -> bool:
        """Remove one number; False if it was not there."""
        at = bisect_right(self._firsts, number) - 1
        if at < 0 or number > self._lasts[at]:
            return False
        first, last = self._firsts[at], self._lasts[at]
        pieces = [(a, b) for a, b in ((first, number - 1), (number + 1, last)) if a <= b]
        self._firsts[at : at + 1] = [a for a, _ in pieces]
        self._lasts[at : at + 1] = [b for _, b in pieces]
        return True

    def union(self, other: "SequenceSet") -> "SequenceSet":
        """Everything in either set, as a new one."""
        return SequenceSet.from_intervals([*self.intervals(), *other.intervals()])

    def difference(self, other: "SequenceSet") -> "SequenceSet":
        """Everything here that is not in ``other``, as a new set."""
        pairs: list[tuple[int, int]] = []
        removed = list(other.intervals())
        at = 0
        for first, last in self.intervals():
            start = first
            while at < len(removed) and removed[at][1] < start:
                at += 1
            scan = at
            while scan < len(removed) and removed[scan][0] <= last:
                if removed[scan][0] > start:
                    pairs.append((start, removed[scan][0] - 1))
                start = max(start, removed[scan][1] + 1)
                scan += 1
            if start <= last:
                pairs.append((start, last))
        return SequenceSet.from_intervals(pairs)

    def intersection(self, other: "SequenceSet") -> "SequenceSet":
        """Everything in both sets, as a new one."""
        return self.difference(self.difference(other))

    def gaps(self, *, start: int = 0) -> "SequenceSet":
        """Every number from ``start`` up to the highest member that is missing: frames that never arrived."""
        if not self._lasts or self._lasts[-1] < start:
            return SequenceSet()
        return SequenceSet.from_intervals([(start, self._lasts[-1])]).difference(self)

    def copy(self) -> "SequenceSet":
        """An independent copy."""
        return SequenceSet.from_intervals(self.intervals())

    def intervals(self) -> Iterator[tuple[int, int]]:
        """Inclusive (first, last) pairs, ascending."""
        return iter(list(zip(self._firsts, self._lasts, strict=True)))

    @property
    def last(self) -> int | None:
        """The highest member, None when empty."""
        return self._lasts[-1] if self._lasts else None

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def __iter__(self) -> Iterator[int]:
        for first, last in self.intervals():
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SequenceSet) and (self._firsts, self._lasts) == (other._firsts, other._lasts)

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __str__(self) -> str:
        return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in self.intervals())

    def __repr__(self) -> str:
        return f"SequenceSet.parse({str(self)!r})"
