"""Back-pressure by bytes and number: who brings more work waits until enough of it is done."""

import asyncio


class WorkGate:
    """Counts work in progress. One event loop only.

    Work larger than the limit of bytes passes alone, so that no frame is too large for a worker.
    """

    def __init__(self, limit_bytes: int, *, limit_items: int) -> None:
        self._limit_bytes = limit_bytes
        self._limit_items = limit_items
        self._used_bytes = 0
        self._items = 0
        self._room = asyncio.Condition()

    @property
    def used_bytes(self) -> int:
        """Bytes of work between ``enter`` and ``leave``."""
        return self._used_bytes

    async def enter(self, size: int) -> None:
        """Wait until there is room for one more piece of work of ``size`` bytes."""
        async with self._room:
            await self._room.wait_for(lambda: self._has_room(size))
            self._used_bytes += size
            self._items += 1

    async def leave(self, size: int) -> None:
        """Give the room of one piece of work back."""
        async with self._room:
            self._used_bytes -= size
            self._items -= 1
            self._room.notify_all()

    def _has_room(self, size: int) -> bool:
        if not self._items:
            return True
        return self._items < self._limit_items and self._used_bytes + size <= self._limit_bytes
