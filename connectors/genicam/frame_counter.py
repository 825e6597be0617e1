"""The camera's frame ids as one 64-bit count without wrap. Pure."""

from typing import Final

# GigE Vision 1.x counts blocks in 16 bits, from 65535 on to 1: 0 is no block id.
_NARROW_LAST: Final = 0xFFFF
# The largest hole that a 16-bit count is believed. More: a camera that began anew looks like one that lost frames.
# Less: so many frames lost in a row, minutes of them, would be taken for a new beginning, and no hole would show.
_MOST_LOST: Final = 8191


class FrameCounter:
    """Counts from 0 for the first frame that arrived; a missing number is a frame that did not.

    Ids above 65535 show a camera that counts in 64 bits (GigE Vision 2.x, USB3 Vision), which never wraps.
    """

    def __init__(self) -> None:
        self._last_id: int | None = None
        self._sequence = 0
        self._wide = False

    @property
    def last(self) -> int | None:
        """The number given last."""
        return None if self._last_id is None else self._sequence

    def next(self, frame_id: int) -> int | None:
        """The number of the frame ``frame_id``; None if it repeats or goes back: the camera began to count anew."""
        if self._last_id is None:
            self._last_id = frame_id
            self._wide = frame_id > _NARROW_LAST
            return self._sequence
        self._wide = self._wide or frame_id > _NARROW_LAST
        step = frame_id - self._last_id
        if not self._wide and step < 0:
            step += _NARROW_LAST
        if step <= 0 or (not self._wide and step > _MOST_LOST):
            return None
        self._last_id = frame_id
        self._sequence += step
        return self._sequence
