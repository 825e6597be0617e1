"""What a test left behind: threads, processes, asyncio tasks."""

import asyncio
import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator
from functools import wraps
from typing import Any

import psutil

from tests.components.waiting import DeadlineExceeded, wait_until, wait_until_async

# What was told to end may need a moment on two shared cores; what needs longer was not waited for by its owner.
GRACE_S = 5.0
# Marks the environment of every process that this test run starts, however deep and even if its parent died.
RUN_VARIABLE = "LINESIDE_TEST_RUN"


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """Start servers here that outlive the test that asked for them first: no watch counts them as its test's."""
    marked = os.environ.pop(RUN_VARIABLE, None)
    try:
        yield
    finally:
        if marked is not None:
            os.environ[RUN_VARIABLE] = marked


class LeakWatch:
    """Threads and processes that were there when the watch began; `leaks` names those that came since and stayed."""

    def __init__(self) -> None:
        os.environ.setdefault(RUN_VARIABLE, f"{os.getpid()}-{uuid.uuid4()}")
        self._threads = set(threading.enumerate())
        self._pids = set(psutil.pids())
        self._servers = {child.pid for child in psutil.Process().children()}

    def leaks(self) -> list[str]:
        """Wait a moment for stragglers, then name what is left; an empty list is a clean test."""
        with contextlib.suppress(DeadlineExceeded):
            wait_until(lambda: not self._now(), GRACE_S, "threads and processes of the test to end")
        return self._now()

    def kill_processes(self) -> None:
        """End what the test left running, so that it cannot disturb the next one."""
        for process in self._new_processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _now(self) -> list[str]:
        threads = [
            f"thread {thread.name!r}"
            for thread in set(threading.enumerate()) - self._threads
            if thread.is_alive() and not thread.daemon
        ]
        processes = []
        for process in self._new_processes():
            with contextlib.suppress(psutil.Error):
                processes.append(f"process {process.pid}: {' '.join(process.cmdline())[:200]}")
        return threads + processes

    def _new_processes(self) -> list[psutil.Process]:
        found = []
        for pid in set(psutil.pids()) - self._pids:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                if self._is_ours(process):
                    found.append(process)
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        """Tell a process of this run from a stranger's, a zombie, and a child of a server that was there before."""
        if process.environ().get(RUN_VARIABLE) != os.environ[RUN_VARIABLE]:
            return False
        if process.status() == psutil.STATUS_ZOMBIE or any(each.pid in self._servers for each in process.parents()):
            return False
        # Python's own helper lives as long as the process that first used shared memory or spawned.
        return "multiprocessing.resource_tracker" not in " ".join(process.cmdline())


def fail_on_leaked_tasks(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
    """Wrap an asynchronous test so that it fails when tasks that it started still run at its end."""

    @wraps(test)
    async def watched(*args: Any, **kwargs: Any) -> None:
        before = asyncio.all_tasks()
        await test(*args, **kwargs)

        def left() -> set[asyncio.Task[Any]]:
            return {task for task in asyncio.all_tasks() - before if not task.done()}

        with contextlib.suppress(DeadlineExceeded):
            await wait_until_async(lambda: not left(), GRACE_S, "tasks of the test to end")
        if left():
            names = ", ".join(sorted(f"{task.get_name()} ({task.get_coro()})" for task in left()))
            raise AssertionError(f"the test left asyncio tasks behind: {names}")

    return watched
