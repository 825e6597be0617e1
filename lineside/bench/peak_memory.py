"""The memory that a process has in use, and the most that it ever had."""

import os
import re
from pathlib import Path
from typing import Final

from wire.errors import MustStop

_PEAK: Final = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_RESIDENT: Final = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


def peak_bytes(pid: int) -> int:
    """VmHWM of a running process. MustStop where the system does not tell it."""
    return _read(_PEAK, pid)


def resident_bytes(pid: int | None = None) -> int:
    """VmRSS of a running process, this one unless told. MustStop where the system does not tell it."""
    return _read(_RESIDENT, os.getpid() if pid is None else pid)


def _read(line: re.Pattern[str], pid: int) -> int:
    try:
        found = line.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    except OSError:
        found = None
    if found is None:
        raise MustStop(f"this system does not tell the memory of a process ({line.pattern} in /proc/PID/status)")
    return int(found[1]) * 1024
