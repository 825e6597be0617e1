"""`lineside up` whose disk fills up and gets room again: it waits, says so, and accounts for every frame."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.ledger import LedgerStore
from tests.components.waiting import wait_until
from tests.system.running_up import START_DEADLINE_S, Up

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(600)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB: enough for a site's first minutes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system needs root: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert "No space left" in str(error)


def used(up: Up) -> int:
    database = Database(up.site.database)
    try:
        return LedgerStore(database).read().totals.used
    finally:
        database.close()


def test_site_on_a_full_disk_waits_for_room_and_loses_nothing(small_disk: Path) -> None:
    up = Up(small_disk, "--lines", "1", "--rate", "2")
    up.wait_until_log("Lineside is up", START_DEADLINE_S)
    wait_until(lambda: used(up) > 0, 90, lambda: f"a first part\n{up.process.log_tail()}", interval_s=1)
    fill(small_disk / "ballast")
    up.wait_until_log("is full: parts wait where they are", 30)
    (small_disk / "ballast").unlink()
    up.wait_until_log("has room again", 30)
    before = used(up)
    wait_until(lambda: used(up) > before + 10, 180, lambda: f"more parts\n{up.process.log_tail()}", interval_s=1)
    up.interrupt()
    up.wait_until_ended(60)
    total = up.summary["total"]
    assert total["captured"] == total["published"] == total["joined"] + total["late"] + total["waiting"]
    assert total["unaccounted"] == total["unbalanced"] == total["lost_in_broker"] == 0
    assert " ended (exit code" not in up.log()
