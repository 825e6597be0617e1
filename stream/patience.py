"""Trying again in place while something outside is away, for a bounded time."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import TypeVar

import stamina

from wire.errors import RetryLater

Answer = TypeVar("Answer")

# The first retry comes soon, because most outages are a connection that broke; later ones spare a service that starts.
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0


async def insist(attempt: Callable[[], Awaitable[Answer]], *, patience_s: float) -> Answer:
    """Await ``attempt()`` until it does not raise RetryLater, at most for ``patience_s``; then the last error goes up.

    Nobody catches it there, so the process ends and whoever starts it again reads from the committed offset.
    """
    async for trial in stamina.retry_context(
        on=RetryLater,
        attempts=None,
        timeout=patience_s,
        wait_initial=_FIRST_WAIT_S,
        wait_max=_LONGEST_WAIT_S,
        wait_jitter=_FIRST_WAIT_S,
    ):
        with trial:
            return await attempt()
    raise AssertionError("stamina ends its loop by returning or raising")


async def insist_in_thread(pool: Executor, call: Callable[[], Answer], *, patience_s: float) -> Answer:
    """``insist`` on a call that blocks: each attempt runs in a thread of this pool."""
    loop = asyncio.get_running_loop()
    return await insist(lambda: loop.run_in_executor(pool, call), patience_s=patience_s)
