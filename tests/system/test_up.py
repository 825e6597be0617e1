"""`lineside up` on its embedded parts: broker, SQLite, folder; compared with the plant's ledger of truth."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.components.waiting import wait_until
from tests.system.running_up import LINES, START_DEADLINE_S, Up, command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_every_part_of_the_plant_has_one_row_and_every_frame_is_accounted_for(tmp_path: Path) -> None:
    faults = "corrupt_image=0.1,empty_image=0.05,camera_drops=0.05,duplicate=0.1,out_of_order=0.05"
    up = Up(tmp_path, "--duration", "20", "--faults", faults, "--defect-rate", "0.5", "--verdicts-to-plc")

    up.wait_until_ended(START_DEADLINE_S + 150)

    truth, rows = up.truth(), up.rows()
    assert sorted(str(row.inspection_id) for row in rows) == sorted(truth), up.process.log_tail()
    assert len(rows) >= 16  # two lines with their commissioning parts at least
    total = up.summary["total"]
    dropped = [frame for part in truth.values() for frame in part["frames"] if frame["fault"] == "dropped"]
    spoilt = [frame for part in truth.values() for frame in part["frames"] if frame["fault"] in ("corrupt", "empty")]
    assert total["unaccounted"] == total["waiting"] == total["lost_in_broker"] == total["unbalanced"] == 0
    assert sum(total["quarantined"].values()) == len(spoilt) > 0
    # A drop at the very end of a session is followed by nothing that would show the hole.
    assert len(dropped) - len(LINES) * 2 <= total["gaps"] <= len(dropped)
    assert total["stored"] == len(rows) == sum(total["verdicts"].values())
    assert total["captured"] == total["published"] == total["joined"] + sum(total["quarantined"].values())
    assert total["latency_s"]["p50"] <= total["latency_s"]["p95"] <= total["latency_s"]["p99"]
    assert total["model_fps"] > 0
    assert set(up.summary["lines"]) == set(LINES)
    assert "The ledger adds up" in up.log()
    with closing(sqlite3.connect(up.folder / "results.journal")) as journal:
        told = {name for (name,) in journal.execute("SELECT result_id FROM writes")}
    # On cores that others keep busy a verdict may be too old to be written; none is written that is not stored.
    assert told <= set(truth)
    assert len(told) >= 0.5 * len(rows), up.child_log("results")


def test_a_second_site_is_refused_a_killed_child_comes_back_and_ctrl_c_ends_all_within_ten_seconds(
    tmp_path: Path,
) -> None:
    up = Up(tmp_path)
    up.wait_until_log("Lineside is up", START_DEADLINE_S)
    refuse_a_second_one(up, tmp_path / "other")
    first = up.site.pids["store"]
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: up.site.pids.get("store", first) != first, 20, "a new store worker")
    assert "store ended (killed by SIGKILL)" in up.log()
    # Learning takes a core for many seconds, and must not keep cameras and judging waiting.
    niceness = {name: os.getpriority(os.PRIO_PROCESS, up.site.pids[name]) for name in ("build", "inspect")}
    assert niceness["build"] > niceness["inspect"]

    pids = up.site.pids
    begun_s = time.monotonic()
    up.interrupt()
    up.wait_until_ended(15)
    took_s = time.monotonic() - begun_s

    assert took_s <= 10.0
    assert "Ledger: what became of every frame" in up.log()
    assert [name for name, pid in pids.items() if Path(f"/proc/{pid}").exists()] == []
    assert up.site.stopped_at is not None


def refuse_a_second_one(up: Up, elsewhere: Path) -> None:
    """In the same folder, and on the same port."""
    page_port = up.site.page.rstrip("/").rsplit(":", 1)[1]
    same_folder, same_port = (
        subprocess.run(command("up", *options), capture_output=True, text=True, check=False)
        for options in (("--data-dir", up.folder, "--port", "0"), ("--data-dir", elsewhere, "--port", page_port))
    )
    assert same_folder.returncode == same_port.returncode == 2
    assert f"{up.folder} is in use by another lineside up (process {up.process.pid})" in same_folder.stderr
    assert f"port {page_port} is in use" in same_port.stderr
