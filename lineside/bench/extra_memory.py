"""How much memory a piece of work takes beyond what is in use when it begins."""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

from lineside.bench.peak_memory import peak_bytes, resident_bytes
from wire.errors import MustStop


def extra_bytes(work: Callable[[], object]) -> int:
    """Peak of this process while ``work`` runs, less what it has before. MustStop where the system cannot tell."""
    # What earlier work gave back to the allocator would else be taken again without being seen.
    ctypes.CDLL(None).malloc_trim(0)
    try:
        # 5 sets the peak back to what is resident now (proc(5)).
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError as error:
        raise MustStop(f"this system does not reset the peak memory of a process: {error}") from error
    before = resident_bytes()
    kept = work()
    peak = peak_bytes(os.getpid())
    del kept
    return max(0, peak - before)
