"""The lines' specifications, read from SQL at most every few seconds."""

import time
from collections.abc import Callable

from storage.lines import LineRegistry
from wire.line_state import LineSpec

# Larger: a changed specification takes longer to count. Smaller: one more query per line and that time.
_FRESH_S = 10.0


class LineSpecs:
    """Keeps specifications for a while. ``read`` asks the database: call it in a thread. Thread-safe."""

    def __init__(self, registry: LineRegistry, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._known: dict[str, tuple[float, LineSpec]] = {}

    def known(self, line: str) -> tuple[LineSpec | None, bool]:
        """(the specification as it was read last, whether it should be read anew); never asks the database.

        It answers True only once per refresh: whoever is told reads.
        """
        read_at, spec = self._known.get(line, (0.0, None))
        is_stale = spec is not None and self._clock() - read_at >= _FRESH_S
        if is_stale and spec is not None:
            self._known[line] = (self._clock(), spec)
        return spec, is_stale

    def read(self, line: str) -> LineSpec:
        """The specification; the default one, stored, for a line that nobody has described. DatabaseUnavailable."""
        spec = self._registry.ensure(line)
        self._known[line] = (self._clock(), spec)
        return spec
