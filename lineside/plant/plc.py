"""The PLC of one line: hands context and sensor values to the OPC UA server, in order, at times late."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from lineside.plant.camera import new_session
from lineside.plant.opcua_server import PlantServer, TagWrite, Value


class Plc:
    """Counts parts in a trigger session. All values of a line reach the server in the order in which they were taken.

    Runs in one event loop.
    """

    def __init__(self, *, line: str, server: PlantServer) -> None:
        self._line = line
        self._server = server
        self._queue: asyncio.Queue[Sequence[TagWrite]] = asyncio.Queue()
        self._stalled_until_s = 0.0
        self.session = new_session()
        self.counter = 0

    def restart(self) -> None:
        """Begin a new trigger session: the part counter starts again."""
        self.session = new_session()
        self.counter = 0

    def stall(self, seconds: float) -> None:
        """Let every value taken from now on reach the server ``seconds`` later (source timestamps stay true)."""
        self._stalled_until_s = asyncio.get_running_loop().time() + seconds

    def set(self, values: Sequence[tuple[str, Value]], *, source_at: datetime) -> None:
        """Take values now, in this order."""
        self._queue.put_nowait([
            TagWrite(line=self._line, tag=tag, value=value, source_at=source_at) for tag, value in values
        ])  # fmt: skip

    async def run(self) -> None:
        """Pass values on until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            writes = await self._queue.get()
            await asyncio.sleep(max(0.0, self._stalled_until_s - loop.time()))
            await self._server.write(writes)
            self._queue.task_done()

    async def drain(self) -> None:
        """Wait until everything taken has reached the server."""
        await self._queue.join()
