"""Room on a disk, as a gauge tells it."""

import math
import shutil
from pathlib import Path

from wire.disk_room import disk_room


def test_room_of_a_folder_is_that_of_its_disk(tmp_path: Path) -> None:
    room = disk_room(tmp_path)
    assert room.total == shutil.disk_usage(tmp_path).total
    assert 0 < room.free <= room.total


def test_a_folder_that_is_gone_has_no_figures_and_fails_no_scrape(tmp_path: Path) -> None:
    room = disk_room(tmp_path / "gone")
    assert math.isnan(room.free)
    assert math.isnan(room.total)
