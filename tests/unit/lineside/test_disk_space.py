import errno
from pathlib import Path

from lineside.disk_space import DiskSpace, is_no_room


def test_a_full_disk_and_its_end_are_told_once_each(tmp_path: Path) -> None:
    told: list[str] = []
    free = iter([5_000_000, 4096, 0, 1_048_575, 1_048_576, 9_000_000])
    space = DiskSpace(tmp_path, told.append, free_bytes=lambda _: next(free))
    for _ in range(6):
        space.look()
    assert told == [
        f"the disk of {tmp_path} is full: parts wait where they are (camera folders, spool, broker) and go on when "
        "there is room; `lineside retention` or another disk makes some",
        f"the disk of {tmp_path} has room again",
    ]


def test_the_real_disk_is_asked(tmp_path: Path) -> None:
    told: list[str] = []
    space = DiskSpace(tmp_path, told.append)
    space.look()
    assert (space.is_full, told) == (False, [])


def test_quota_counts_as_no_room_and_a_wrong_permission_does_not() -> None:
    assert is_no_room(OSError(errno.ENOSPC, "x"))
    assert is_no_room(OSError(errno.EDQUOT, "x"))
    assert not is_no_room(PermissionError(errno.EACCES, "x"))
