"""Which state version judges a part: decided by the offset of its first event, so that a replay decides alike."""

from bisect import bisect_left, insort


class StateTimeline:
    """In-band activations of one line and product, by the offset in this partition from which they hold."""

    def __init__(self) -> None:
        self._activations: list[tuple[int, int]] = []

    def activate(self, offset: int, version: int) -> None:
        """Take an activation into account; the same one twice changes nothing."""
        if (offset, version) not in self._activations:
            insort(self._activations, (offset, version))

    def at(self, anchor_offset: int) -> int | None:
        """The version for a part whose first event has this offset.

        None: no activation was read in front of it; SQL knows what held before the first record that was read.
        """
        place = bisect_left(self._activations, (anchor_offset, -1))
        return self._activations[place - 1][1] if place else None
