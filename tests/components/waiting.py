"""Waiting for a condition with a deadline: the only sleep in the tests."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

Outcome = TypeVar("Outcome")

# Short enough that a test rarely waits longer than it must, long enough that polling costs two cores nothing.
POLL_INTERVAL_S = 0.05


class DeadlineExceeded(AssertionError):
    """The condition did not come true in time. The message says what was awaited and what was seen last."""


def wait_until(
    condition: Callable[[], Outcome | None],
    deadline_s: float,
    describe: str | Callable[[], str],
    *,
    interval_s: float = POLL_INTERVAL_S,
) -> Outcome:
    """Call `condition` until its result is true, and return that result.

    `describe` completes the sentence "waited N s for …"; as a callable it can add what was seen last.
    Exceptions of `condition` pass through: a condition that may fail for a while catches what it expects.
    """
    begun = time.monotonic()
    while True:
        outcome = condition()
        if outcome:
            return outcome
        if time.monotonic() - begun >= deadline_s:
            raise DeadlineExceeded(_message(deadline_s, describe, outcome))
        time.sleep(interval_s)


@overload
async def wait_until_async(
    condition: Callable[[], Awaitable[Outcome | None]],
    deadline_s: float,
    describe: str | Callable[[], str],
    *,
    interval_s: float = ...,
) -> Outcome: ...


@overload
async def wait_until_async(
    condition: Callable[[], Outcome | None],
    deadline_s: float,
    describe: str | Callable[[], str],
    *,
    interval_s: float = ...,
) -> Outcome: ...


async def wait_until_async(
    condition: Callable[[], Any],
    deadline_s: float,
    describe: str | Callable[[], str],
    *,
    interval_s: float = POLL_INTERVAL_S,
) -> Any:
    """Do what `wait_until` does without blocking the event loop; `condition` may be a coroutine function."""
    begun = time.monotonic()
    while True:
        outcome = condition()
        if inspect.isawaitable(outcome):
            outcome = await outcome
        if outcome:
            return outcome
        if time.monotonic() - begun >= deadline_s:
            raise DeadlineExceeded(_message(deadline_s, describe, outcome))
        await asyncio.sleep(interval_s)


def _message(deadline_s: float, describe: str | Callable[[], str], outcome: object) -> str:
    text = describe() if callable(describe) else describe
    return f"waited {deadline_s:g} s for {text}; last result: {outcome!r}"
