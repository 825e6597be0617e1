"""When retention is started; the clock is the caller's."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.child import ChildSpec
from lineside.daily_retention import DailyRetention, retention_command
from lineside.data_folder import DataFolder
from storage.migrate import migrate
from tests.components.waiting import wait_until

DAY_S = 86_400.0


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def started(tmp_path: Path, told: list[str]) -> Iterator[DailyRetention]:
    """A command that writes a line, and fails while a file called `broken` is there."""
    script = f"import pathlib, sys; print('ran', flush=True); sys.exit(3 if pathlib.Path({str(tmp_path)!r}, 'broken').exists() else 0)"  # noqa: E501
    retention = DailyRetention(
        ChildSpec(name="retention", command=[sys.executable, "-c", script], log=tmp_path / "log"), told.append
    )
    yield retention
    retention.stop()


def runs(tmp_path: Path) -> int:
    log = tmp_path / "log"
    return log.read_text().count("ran") if log.exists() else 0


def run_through(retention: DailyRetention, now_s: float, tmp_path: Path) -> None:
    """Look at `now_s` until the run that is due then has ended and was noticed."""
    before = runs(tmp_path)

    def ended() -> bool:
        retention.look(now_s)
        return runs(tmp_path) > before and not retention.under_way

    wait_until(ended, 20, "the command to end")


def test_it_runs_a_minute_after_the_start_and_then_daily(
    tmp_path: Path, started: DailyRetention, told: list[str]
) -> None:
    started.look(59.9)
    assert not started.under_way
    run_through(started, 60.0, tmp_path)
    started.look(60.0 + DAY_S - 1)
    assert not started.under_way
    run_through(started, 60.0 + DAY_S, tmp_path)
    assert (runs(tmp_path), told) == (2, [])


def test_a_failed_run_is_told_and_tried_again_after_an_hour(
    tmp_path: Path, started: DailyRetention, told: list[str]
) -> None:
    (tmp_path / "broken").touch()
    run_through(started, 60.0, tmp_path)
    assert told == [f"retention ended (exit code 3); next start in 60 min, see {tmp_path / 'log'}"]
    (tmp_path / "broken").unlink()
    started.look(60.0 + 3599)
    assert not started.under_way
    run_through(started, 60.0 + 3600, tmp_path)
    assert len(told) == 1


def test_the_command_cleans_the_site_that_it_is_given(tmp_path: Path, told: list[str]) -> None:
    folder = DataFolder(root=tmp_path / "site")
    folder.make()
    migrate(folder.database_url)
    retention = DailyRetention(
        retention_command(folder, database=folder.database_url, objects=folder.objects_url), told.append
    )
    retention.look(60.0)

    def ended() -> bool:
        retention.look(61.0)
        return not retention.under_way

    wait_until(ended, 60, "retention to end")
    assert told == []
    assert "removed 0 inspections" in folder.log("retention").read_text()
