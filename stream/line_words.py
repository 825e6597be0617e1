"""Learned words of lines in memory, for parts that are judged without a version."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

import structlog

from storage.learned_words import LearnedWordsStore
from wire.errors import DecodeError

_log = structlog.get_logger(__name__)

# 20 kB each. Fewer than lines with words of their own: the object store is asked for each of their parts.
_MOST_KEPT: Final = 256
# Words that are gone are asked for again: a restored object store has them back.
_MISSED_S: Final = 60.0


@dataclass(frozen=True)
class _Kept:
    """A file, and until when it counts (``clock``)."""

    file: bytes
    until_s: float = math.inf


class LineWords:
    """``read`` asks the object store: call it in a thread. Thread-safe."""

    def __init__(self, store: LearnedWordsStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._kept: dict[str, _Kept] = {}

    def known(self, sha256: str) -> bytes | None:
        """The file if it was read before; None: ``read`` it."""
        if not sha256:
            return b""
        with self._lock:
            kept = self._kept.get(sha256)
        return kept.file if kept is not None and self._clock() < kept.until_s else None

    def read(self, sha256: str) -> bytes:
        """The file; empty for a minute if it is gone: its line is judged without it, which its results say.

        ObjectStoreUnavailable.
        """
        try:
            kept = _Kept(self._store.get(sha256))
        except DecodeError as error:
            _log.error("a line's learned words cannot be read", sha256=sha256, error=str(error))
            kept = _Kept(b"", self._clock() + _MISSED_S)
        with self._lock:
            self._kept[sha256] = kept
            while len(self._kept) > _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
        return kept.file
