"""One append-only file of the spool: records in order, synced in groups, cut at the first torn one when reopened."""

import contextlib
import mmap
import os
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

from connectors import spool_record
from wire.cloudevents import CloudEvent
from wire.sequence_set import SequenceSet

# What one system call takes at least on every Linux (IOV_MAX).
_MOST_PIECES: Final = 1024
# More falls out of the processor's cache between checksum and write, and is fetched from memory twice; less is a system
# call for each event of a PLC.
_AT_ONCE_BYTES: Final = 256 * 1024


def _sync_folder(folder: Path) -> None:
    """Make a new or removed name in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Segment:
    """Records ``first`` .. ``end - 1`` in one file. Used by one thread.

    ``torn_bytes``: what was cut off behind the last whole record when the file was reopened. ``oldest_at_s`` and
    ``newest_at_s``: when its first and its last record were written, by the monotonic clock, so that a host's clock
    that jumps makes nothing old; of a reopened file the time of its last change stands for both.
    """

    def __init__(
        self,
        path: Path,
        first: int,
        descriptor: int,
        ends: "array[int]",
        clock: Callable[[], float],
        *,
        torn_bytes: int = 0,
        age_s: float = 0.0,
    ) -> None:
        self.path = path
        self.first = first
        self.torn_bytes = torn_bytes
        self._clock = clock
        self.oldest_at_s = self.newest_at_s = clock() - age_s
        self._descriptor = descriptor
        self._ends = ends
        self._acknowledged = SequenceSet()
        self._is_named = True

    @classmethod
    def create(cls, folder: Path, first: int, clock: Callable[[], float]) -> Self:
        """Start an empty segment, whose name is synced with its first records. OSError if the disk refuses."""
        path = folder / f"{first:020d}.seg"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        segment = cls(path, first, descriptor, array("Q"), clock)
        segment._is_named = False
        return segment

    @classmethod
    def reopen(cls, path: Path, clock: Callable[[], float], *, is_sealed: bool) -> Self:
        """Find the records of an earlier process, and cut off what lies behind the last whole one. OSError as it comes.

        ``is_sealed``: a later segment follows, so that this one was synced whole; then the lengths of its records are
        read alone, and what the disk damaged since is found out one by one, by ``read``.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        status = os.fstat(descriptor)
        size, age_s = status.st_size, max(0.0, time.time() - status.st_mtime)
        ends = array("Q")
        if size:
            with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as content, memoryview(content) as data:
                found = spool_record.lengths_lead_to_the_end(data) if is_sealed else None
                ends.extend(spool_record.whole_records(data) if found is None else found)
        whole = ends[-1] if ends else 0
        if whole < size:
            os.ftruncate(descriptor, whole)
            os.fdatasync(descriptor)
        return cls(path, int(path.stem), descriptor, ends, clock, torn_bytes=size - whole, age_s=age_s)

    @property
    def end(self) -> int:
        """One more than the last record's number."""
        return self.first + len(self._ends)

    @property
    def size_bytes(self) -> int:
        """Size of the synced records."""
        return self._ends[-1] if self._ends else 0

    @property
    def unacknowledged(self) -> int:
        """How many records nobody has acknowledged yet."""
        return len(self._ends) - len(self._acknowledged)

    def append(self, records: Sequence[spool_record.Record]) -> None:
        """Write records and sync them once. On OSError none of them is in the segment, and the file is as before."""
        at = self.size_bytes
        try:
            self._write(records, at)
            os.fdatasync(self._descriptor)
            if not self._is_named:
                # Behind the content: a journaling file system has put both on disk by then, so that this costs nothing.
                _sync_folder(self.path.parent)
                self._is_named = True
        except OSError:
            # Where even this fails, the next append overwrites what is behind ``at``.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, at)
            raise
        self.newest_at_s = self._clock()
        for record in records:
            at += len(record)
            self._ends.append(at)

    def _write(self, records: Sequence[spool_record.Record], at: int) -> None:
        pieces: list[bytes] = []
        size = 0
        for number, record in enumerate(records, start=1):
            pieces += record.pieces()
            size += len(record)
            if size >= _AT_ONCE_BYTES or len(pieces) >= _MOST_PIECES or number == len(records):
                self._write_pieces(pieces, size, at)
                at += size
                pieces, size = [], 0

    def _write_pieces(self, pieces: Sequence[bytes], size: int, at: int) -> None:
        written = os.pwritev(self._descriptor, pieces, at)
        if written < size:  # a signal, or the last bytes of a disk: the rest says which
            rest = memoryview(b"".join(pieces))
            while written < size:
                written += os.pwrite(self._descriptor, rest[written:], at + written)

    def read(self, number: int) -> CloudEvent:
        """Record ``number``. DecodeError if the disk returns what was not written; OSError as it comes."""
        index = number - self.first
        start = self._ends[index - 1] if index else 0
        return spool_record.decode(os.pread(self._descriptor, self._ends[index] - start, start))

    def acknowledge(self, number: int) -> bool:
        """Mark a record as no longer needed; False if it was already."""
        return self._acknowledged.add(number)

    def is_acknowledged(self, number: int) -> bool:
        """Whether ``acknowledge`` was called for ``number``."""
        return number in self._acknowledged

    def close(self) -> None:
        """Let go of the file; it stays."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """Close and delete the file. OSError as it comes."""
        self.close()
        self.path.unlink()
