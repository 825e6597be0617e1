"""How long a piece of work takes."""

import time
from collections.abc import Callable


def milliseconds_per_call(work: Callable[[], object], calls: int) -> float:
    """Mean over ``calls`` in a row, in wall time."""
    begun = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - begun) / calls * 1000


def warm(*works: Callable[[], object]) -> None:
    """Do each twice, uncounted: the first call chooses kernels and reserves memory."""
    for work in works:
        work()
        work()
