"""The most memory that a process ever had in use."""

import re
from pathlib import Path
from typing import Final

from wire.errors import MustStop

_PEAK: Final = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peak_bytes(pid: int) -> int:
    """VmHWM of a running process. MustStop where the system does not tell it."""
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    except OSError:
        found = None
    if found is None:
        raise MustStop("this system does not tell the peak memory of a process (VmHWM in /proc/PID/status)")
    return int(found[1]) * 1024
