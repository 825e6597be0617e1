"""Which core the detector has to itself during a measurement, and which ones are left to everything else."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Answer = TypeVar("Answer")


def detector_core() -> int:
    """The last core that this process may use."""
    return max(os.sched_getaffinity(0))


@contextmanager
def off_the_detector_core() -> Iterator[None]:
    """Keep the calling thread, and the processes and threads it starts meanwhile, off ``detector_core``.

    With a single core there is nothing to keep off.
    """
    before = os.sched_getaffinity(0)
    others = before - {detector_core()}
    if others:
        os.sched_setaffinity(0, others)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def run_on_core(core: int, work: Callable[[], Answer]) -> Answer:
    """Do ``work`` in a thread that runs on this core alone."""

    def pinned() -> Answer:
        os.sched_setaffinity(0, {core})  # 0: the thread that calls
        return work()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(pinned).result()
