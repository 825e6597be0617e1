"""The lines' states in memory: least recently used ones leave when a byte budget is exceeded."""

from collections import OrderedDict
from threading import Lock

import structlog

from storage.line_states import LineStateStore
from wire.errors import DecodeError
from wire.line_state import LineState

_log = structlog.get_logger(__name__)

Key = tuple[str, str, int]  # line, product, version


class LineStates:
    """A cache over the state store for one detector. ``load`` reads: call it in a thread. Thread-safe."""

    def __init__(self, store: LineStateStore, *, model_digest: str, budget_bytes: int) -> None:
        self._store = store
        self._model_digest = model_digest
        self._budget_bytes = budget_bytes
        self._lock = Lock()
        self._states: OrderedDict[Key, LineState | None] = OrderedDict()

    def cached(self, key: Key) -> tuple[bool, LineState | None]:
        """(whether it is known, the state); never reads."""
        with self._lock:
            if key not in self._states:
                return False, None
            self._states.move_to_end(key)
            return True, self._states[key]

    def load(self, key: Key) -> LineState | None:
        """The state of this version, or of its nearest ancestor that this detector made; None if there is none.

        Another model's banks are of no use to this one: while both run side by side, each takes its own.
        DatabaseUnavailable, ObjectStoreUnavailable.
        """
        known, state = self.cached(key)
        if known:
            return state
        state = self._read(key)
        with self._lock:
            self._states[key] = state
            while len(self._states) > 1 and sum(s.size_bytes for s in self._states.values() if s) > self._budget_bytes:
                self._states.popitem(last=False)
        return state

    def version_before(self, line: str, product: str, *, cluster: str, partition: int, offset: int) -> int | None:
        """The version that held in front of this offset, by SQL; None = zero-shot. DatabaseUnavailable."""
        return self._store.active_at(line, product, cluster=cluster, partition=partition, offset=offset - 1)

    def _read(self, key: Key) -> LineState | None:
        line, product, wanted = key
        version: int | None = wanted
        while version is not None:
            try:
                metadata = self._store.metadata(line, product, version)
                if metadata.model_digest == self._model_digest:
                    return self._store.load(line, product, version)
            except (LookupError, DecodeError) as error:
                # Other lines go on; the results say that they were made without memory.
                _log.error("a line's state cannot be read", line=line, version=version, error=str(error))
                return None
            version = metadata.parent_version
        _log.warning("no state of this model", line=line, product=product, version=wanted, model=self._model_digest)
        return None
