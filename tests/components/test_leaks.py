"""The watch on leaks sees what a test leaves behind, and nothing else."""

import asyncio
import subprocess
import sys
import threading

import pytest

from tests.components import leaks
from tests.components.leaks import LeakWatch, fail_on_leaked_tasks
from tests.components.waiting import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "GRACE_S", 0.1)


def test_thread_left_running_is_named() -> None:
    watch = LeakWatch()
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait, name="left-running")
    thread.start()
    try:
        assert watch.leaks() == ["thread 'left-running'"]
    finally:
        ended.set()
        thread.join()
    assert watch.leaks() == []


def test_process_left_running_is_named() -> None:
    watch = LeakWatch()
    process = subprocess.Popen(SLEEP)
    try:
        assert [leak.split(":")[0] for leak in watch.leaks()] == [f"process {process.pid}"]
    finally:
        process.kill()
        process.wait()
    assert watch.leaks() == []


def test_orphan_of_a_dead_parent_is_named() -> None:
    watch = LeakWatch()
    # -3 is subprocess.DEVNULL: an inherited pipe would keep `run` waiting for the orphan.
    starter = f"import subprocess; print(subprocess.Popen({SLEEP!r}, stdout=-3, stderr=-3).pid)"
    answer = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, check=True)
    orphan = int(answer.stdout)
    try:
        assert [leak.split(":")[0] for leak in watch.leaks()] == [f"process {orphan}"]
    finally:
        watch.kill_processes()
    wait_until(lambda: not watch.leaks(), 5, "the orphan to end")


async def test_task_left_running_is_named() -> None:
    async def test() -> None:
        asyncio.create_task(asyncio.Event().wait(), name="left-running")  # noqa: RUF006

    with pytest.raises(AssertionError, match="left asyncio tasks behind: left-running"):
        await fail_on_leaked_tasks(test)()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_task_that_ends_by_itself_is_no_leak() -> None:
    async def test() -> None:
        asyncio.create_task(asyncio.sleep(0.01))  # noqa: RUF006

    await fail_on_leaked_tasks(test)()
