"""The loop of a process that inspects when asked to. Imports nothing of the product: both environments run it."""

import sys
import time
from collections.abc import Callable


def answer_requests(inspect: Callable[[int], object]) -> None:
    """Read a number of pictures per line, ``inspect(index)`` each, write the seconds; until the input ends."""
    for line in sys.stdin:
        begun = time.perf_counter()
        for index in range(int(line)):
            inspect(index)
        sys.stdout.write(f"{time.perf_counter() - begun!r}\n")
        sys.stdout.flush()
