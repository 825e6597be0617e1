"""Learned words of lines in memory, for parts that are judged without a version."""

from threading import Lock
from typing import Final

import structlog

from storage.learned_words import LearnedWordsStore
from wire.errors import DecodeError

_log = structlog.get_logger(__name__)

# 20 kB each. Fewer than lines with words of their own: the object store is asked for each of their parts.
_MOST_KEPT: Final = 256


class LineWords:
    """``read`` asks the object store: call it in a thread. Thread-safe."""

    def __init__(self, store: LearnedWordsStore) -> None:
        self._store = store
        self._lock = Lock()
        self._kept: dict[str, bytes] = {}

    def known(self, sha256: str) -> bytes | None:
        """The file if it was read before; None: ``read`` it."""
        with self._lock:
            return self._kept.get(sha256) if sha256 else b""

    def read(self, sha256: str) -> bytes:
        """The file; empty if it is gone: its line is judged without it, which its results say.

        ObjectStoreUnavailable.
        """
        try:
            file = self._store.get(sha256)
        except DecodeError as error:
            _log.error("a line's learned words cannot be read", sha256=sha256, error=str(error))
            file = b""
        with self._lock:
            self._kept[sha256] = file
            while len(self._kept) > _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
        return file
