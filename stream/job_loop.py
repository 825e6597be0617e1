"""Works on jobs that SQL keeps: leased, renewed while they take their time, finished or given back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

import structlog

from storage.jobs import Job, JobStore
from stream.patience import insist_in_thread
from wire.errors import BadInput, DatabaseUnavailable, RetryLater

Answer = TypeVar("Answer")

_log = structlog.get_logger(__name__)

# A lease is renewed when a third of it is over: two renewals may fail before another worker takes the job.
_RENEWALS_PER_LEASE = 3


class JobLoop:
    """Leases jobs of one kind and gives them to ``handle``, which may await and take long.

    A job whose worker dies is leased again by another when its lease ends, so ``handle`` must stand repetition.
    RetryLater gives the jobs back for later; BadInput ends them as failed; anything else ends the process.
    """

    def __init__(
        self,
        kind: str,
        jobs: JobStore,
        handle: Callable[[Sequence[Job]], Awaitable[None]],
        *,
        owner: str,
        lease_s: float,
        poll_s: float,
        limit: int,
        patience_s: float,
    ) -> None:
        self._kind = kind
        self._jobs = jobs
        self._handle = handle
        self._owner = owner
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._limit = limit
        self._patience_s = patience_s
        self._database = ThreadPoolExecutor(1, thread_name_prefix=f"{kind}-jobs")
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There is a new job: do not wait for the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                self._wake.clear()
                jobs = await self._in_thread(
                    lambda: self._jobs.lease(self._kind, self._owner, self._lease_s, self._limit)
                )
                if jobs:
                    await self._work(jobs)
                    continue
                # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the wake-up.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._wake.wait()
        finally:
            self._database.shutdown(wait=False, cancel_futures=True)

    async def _work(self, jobs: Sequence[Job]) -> None:
        renewal = asyncio.create_task(self._renew(jobs))
        try:
            await self._handle(jobs)
        except RetryLater as error:
            _log.warning("jobs are tried again later", kind=self._kind, jobs=len(jobs), error=str(error))
            await self._close(jobs, partial(self._jobs.fail, error=str(error), retry_in_s=error.retry_after_s))
        except BadInput as error:
            await self._close(jobs, partial(self._jobs.fail, error=str(error), retry_in_s=None))
        else:
            await self._close(jobs, self._jobs.finish)
        finally:
            renewal.cancel()

    async def _close(self, jobs: Sequence[Job], close: Callable[[Job], bool]) -> None:
        for job in jobs:
            await self._in_thread(partial(close, job))

    async def _renew(self, jobs: Sequence[Job]) -> None:
        while True:
            await asyncio.sleep(self._lease_s / _RENEWALS_PER_LEASE)
            for job in jobs:
                with suppress(DatabaseUnavailable):  # the next renewal tries again
                    await asyncio.get_running_loop().run_in_executor(
                        self._database, self._jobs.renew, job, self._lease_s
                    )

    async def _in_thread(self, call: Callable[[], Answer]) -> Answer:
        return await insist_in_thread(self._database, call, patience_s=self._patience_s)
