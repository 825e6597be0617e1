"""Bounded, durable queue of events on disk, for the time in which they cannot be published."""

import fcntl
import os
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog

from connectors import spool_record
from connectors.spool_segment import Segment
from wire.cloudevents import CloudEvent
from wire.errors import ConfigurationError, DecodeError
from wire.ledger import SpoolState

# A segment is what is freed at once: with larger ones the policy ``freshest`` loses more than it must, with smaller
# ones a full spool is thousands of files, each of which costs two syncs more.
_SEGMENTS: Final = 16
_SEGMENT_MAX_BYTES: Final = 64 * 1024 * 1024


class SpoolPolicy(StrEnum):
    """What happens when the spool is full."""

    EVERY_FRAME = "every_frame"  # refuse: the source keeps the frame, an alarm rises
    FRESHEST = "freshest"  # drop the oldest, and count it


class Spool:
    """Events in order of ``append``, numbered without wrap, on disk until acknowledged. Used by one thread.

    What ``append`` returned survives a power cut: each call syncs what it wrote (``fdatasync``), a new file's name with
    its folder. May repeat after a restart (a segment is deleted when all its records
    are acknowledged); never reorders; loses nothing but what ``drop_oldest`` and ``drop_expired``
    give up and what the disk damages.
    """

    def __init__(
        self,
        directory: Path,
        *,
        max_bytes: int,
        max_age_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open or create. ConfigurationError if the folder cannot be used or another process uses it."""
        self._directory = directory
        self._clock = clock
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._segment_bytes = min(max_bytes // _SEGMENTS, _SEGMENT_MAX_BYTES)
        self._log = structlog.get_logger("connectors.spool")
        self._lock_descriptor = self._lock()
        self._segments: list[Segment] = []
        self._next = 0
        self._refusal: int | None = None  # what the disk refused with last; logged once, not at every attempt
        try:
            self._recover()
        except OSError as error:
            raise ConfigurationError([f"spool.directory: {directory} cannot be read: {error}"]) from error

    def _lock(self) -> int:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ConfigurationError([f"spool.directory: {self._directory} cannot be used: {error}"]) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise ConfigurationError([
                f"spool.directory: {self._directory} is in use by another connector; give each its own"
            ]) from error  # fmt: skip
        return descriptor

    def _recover(self) -> None:
        paths = sorted(self._directory.glob("*.seg"))
        for path in paths:
            segment = Segment.reopen(path, self._clock, is_sealed=path != paths[-1])
            self._next = segment.end
            if segment.torn_bytes:
                self._log.warning("spool_tail_cut", file=str(path), torn_bytes=segment.torn_bytes)
            if segment.unacknowledged:
                self._segments.append(segment)
            else:
                segment.remove()

    @property
    def end(self) -> int:
        """The number that the next record gets."""
        return self._next

    @property
    def size_bytes(self) -> int:
        """What the spool holds on disk, acknowledged records of unfinished segments included."""
        return sum(segment.size_bytes for segment in self._segments)

    @property
    def oldest_age_s(self) -> float:
        """How long the oldest record has waited, 0 if there is none; since a restart at least so long."""
        return self._clock() - self._segments[0].oldest_at_s if self._segments else 0.0

    @property
    def state(self) -> SpoolState:
        """For the ledger."""
        return SpoolState(size_bytes=self.size_bytes, limit_bytes=self._max_bytes, oldest_s=self.oldest_age_s)

    def __len__(self) -> int:
        return sum(segment.unacknowledged for segment in self._segments)

    def append(self, events: Sequence[CloudEvent]) -> list[int]:
        """Write events to disk, synced; their numbers. A shorter list than ``events``: the rest did not fit.

        Nothing fits where ``max_bytes`` is reached or the disk refuses; the reason of a refusal is logged.
        """
        numbers: list[int] = []
        size = self.size_bytes
        group: list[spool_record.Record] = []
        segment = self._segments[-1] if self._segments and not self._is_long_open(self._segments[-1]) else None
        room = self._segment_bytes - segment.size_bytes if segment else 0
        for event in events:
            record = spool_record.encode(event)
            if size + len(record) > self._max_bytes:
                break
            if segment is None or len(record) > room:
                if group and segment is not None:
                    if not self._write(segment, group, numbers):
                        return numbers
                    group = []
                segment = self._new_segment()
                if segment is None:
                    return numbers
                room = self._segment_bytes
            group.append(record)
            size += len(record)
            room -= len(record)
        if group and segment is not None:
            self._write(segment, group, numbers)
        return numbers

    def _is_long_open(self, segment: Segment) -> bool:
        """Whether its first record is so much older than the next one that the two should not expire together."""
        if self._max_age_s is None:
            return False
        return self._clock() - segment.oldest_at_s > self._max_age_s / _SEGMENTS

    def _new_segment(self) -> Segment | None:
        try:
            segment = Segment.create(self._directory, self._next, self._clock)
        except OSError as error:
            self._note_refusal(error)
            return None
        self._segments.append(segment)
        return segment

    def _write(self, segment: Segment, group: Sequence[spool_record.Record], numbers: list[int]) -> bool:
        """Write as much of ``group`` as the disk takes, in order; whether that was all."""
        try:
            segment.append(group)
        except OSError as error:
            if len(group) > 1:
                half = len(group) // 2
                return self._write(segment, group[:half], numbers) and self._write(segment, group[half:], numbers)
            self._note_refusal(error)
            if not segment.size_bytes:
                self._discard(segment)
            return False
        self._refusal = None
        numbers.extend(range(self._next, self._next + len(group)))
        self._next += len(group)
        return True

    def _note_refusal(self, error: OSError) -> None:
        if self._refusal != error.errno:
            self._refusal = error.errno
            self._log.error("spool_refused", directory=str(self._directory), reason=str(error))

    def unacknowledged(self, start: int) -> Iterator[int]:
        """Numbers from ``start`` on that still wait, ascending. The spool may change while one is at it."""
        number = start
        while number < self._next:
            segment = self._segment_of(number)
            if segment is None:
                following = next((one for one in self._segments if one.first > number), None)
                if following is None:
                    return
                number = following.first
                continue
            if not segment.is_acknowledged(number):
                yield number
            number += 1

    def read(self, number: int) -> CloudEvent:
        """One record. DecodeError('spool') if the disk returned what was not written; OSError as it comes."""
        segment = self._segment_of(number)
        if segment is None:
            raise DecodeError("spool", f"record {number} is not in the spool any more")
        return segment.read(number)

    def acknowledge(self, number: int) -> None:
        """Let go of one record; silent if it is gone already. The file goes when its last record does."""
        segment = self._segment_of(number)
        if segment is not None and segment.acknowledge(number) and not segment.unacknowledged:
            self._discard(segment)

    def drop_oldest(self) -> list[tuple[int, CloudEvent]]:
        """Delete the oldest segment to make room; its records that nobody had acknowledged, for the ledger.

        An empty list: there is nothing to drop. A record that the disk damaged is named in the log alone.
        """
        return self._drop(self._segments[0]) if self._segments else []

    def drop_expired(self) -> list[tuple[int, CloudEvent]]:
        """Delete the oldest segment if its newest record has waited for ``max_age_s``; what ``drop_oldest`` returns."""
        if self._max_age_s is None or not self._segments:
            return []
        segment = self._segments[0]
        return self._drop(segment) if self._clock() - segment.newest_at_s > self._max_age_s else []

    def _drop(self, segment: Segment) -> list[tuple[int, CloudEvent]]:
        dropped = []
        for number in range(segment.first, segment.end):
            if not segment.is_acknowledged(number):
                try:
                    dropped.append((number, segment.read(number)))
                except (DecodeError, OSError) as error:
                    self._log.error("spool_record_damaged", file=str(segment.path), record=number, reason=str(error))
        self._discard(segment)
        return dropped

    def _segment_of(self, number: int) -> Segment | None:
        at = bisect_right(self._segments, number, key=lambda segment: segment.first) - 1
        return self._segments[at] if at >= 0 and number < self._segments[at].end else None

    def _discard(self, segment: Segment) -> None:
        self._segments.remove(segment)
        try:
            segment.remove()
        except OSError as error:
            # The records come again after a restart, under the same event ids.
            self._log.error("spool_file_not_removed", file=str(segment.path), reason=str(error))

    def close(self) -> None:
        """Let go of the folder; what is in it stays."""
        for segment in self._segments:
            segment.close()
        self._segments.clear()
        os.close(self._lock_descriptor)
