"""Room on the disk of a data folder: who writes there waits for it, and a person is told."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

# SQLite, evidence and spool write at least a page of 4 KiB each, and several processes at once: below this one of them
# is refused any moment. Larger: a disk that has room for another hour is called full.
_FULL_BELOW_BYTES: Final = 1024 * 1024
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


def is_no_room(error: OSError) -> bool:
    """Whether a write was refused for want of space or quota."""
    return error.errno in _NO_ROOM


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class DiskSpace:
    """Tells when the disk of ``folder`` is full and when it has room again, once each. Call ``look`` every second."""

    def __init__(
        self, folder: Path, tell: Callable[[str], None], *, free_bytes: Callable[[Path], int] = _free_bytes
    ) -> None:
        self._folder = folder
        self._tell = tell
        self._free_bytes = free_bytes
        self.is_full = False

    def look(self) -> None:
        """Compare with the last look."""
        is_full = self._free_bytes(self._folder) < _FULL_BELOW_BYTES
        if is_full and not self.is_full:
            self._tell(
                f"the disk of {self._folder} is full: parts wait where they are (camera folders, spool, broker) and go "
                "on when there is room; `lineside retention` or another disk makes some"
            )
        if self.is_full and not is_full:
            self._tell(f"the disk of {self._folder} has room again")
        self.is_full = is_full
