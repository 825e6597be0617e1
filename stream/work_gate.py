"""Back-pressure by bytes: who brings more work waits until enough of it is done."""

import asyncio


class WorkGate:
    """Counts bytes of work in progress. One event loop only.

    Work larger than the limit passes alone, so that no frame is too large for a worker.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._used = 0
        self._room = asyncio.Condition()

    @property
    def used_bytes(self) -> int:
        """Bytes of work between ``enter`` and ``leave``."""
        return self._used

    async def enter(self, size: int) -> None:
        """Wait until ``size`` more bytes fit."""
        async with self._room:
            await self._room.wait_for(lambda: not self._used or self._used + size <= self._limit)
            self._used += size

    async def leave(self, size: int) -> None:
        """Give ``size`` bytes back."""
        async with self._room:
            self._used -= size
            self._room.notify_all()
