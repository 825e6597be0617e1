"""Room on the disk of a folder, for gauges."""

import math
import shutil
from pathlib import Path
from typing import NamedTuple


class DiskRoom(NamedTuple):
    """Bytes."""

    free: float
    total: float


def disk_room(folder: Path) -> DiskRoom:
    """How full the disk of ``folder`` is; NaN while it cannot be asked, so that a scrape never fails for it."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return DiskRoom(math.nan, math.nan)
    return DiskRoom(usage.free, usage.total)
