"""The plant's OPC UA server in a thread of its own, for tests that are not asynchronous."""

import asyncio
import threading
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from lineside.plant.opcua_server import NAMESPACE, PlantServer, TagWrite
from tests.components.ports import free_port

Result = TypeVar("Result")

SENSORS = [
    {"name": "temperature", "node": "line3/Temperature", "unit": "°C"},
    {"name": "speed", "node": "line3/Speed", "unit": "m/s"},
]
CONTEXT = {
    "part_counter": "line3/PartCounter",
    "part_id": "line3/PartId",
    "trigger_session": "line3/TriggerSession",
    "product": "line3/Product",
    "packml_state": "line3/PackMLState",
}


class PlcServer:
    """One PLC: ``part`` writes a part's context and then counts it; ``stop`` and ``start`` are a restart."""

    def __init__(self, *, session: str = "t-1") -> None:
        self.endpoint = f"opc.tcp://127.0.0.1:{free_port()}"
        self.session = session
        self.counter = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="plc-server", daemon=True)
        self._server = PlantServer(endpoint=self.endpoint, lines=["line3"])

    def settings(self) -> dict[str, Any]:
        """The keys of a connector's configuration that concern this server."""
        return {
            "endpoint": self.endpoint,
            "namespace": NAMESPACE,
            "context": CONTEXT,
            "sensors": SENSORS,
            "window": {"before_s": 0.5, "after_s": 0.2, "grace_s": 0.3},
        }

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        # Making the server's address space is seconds of computing, and many of them on cores that others keep busy.
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def start(self) -> None:
        self.do(self._server.start())

    def stop(self) -> None:
        self.do(self._server.stop())

    def write(self, at: datetime, **values: int | float | str) -> None:
        """Set tags, in the order given, with ``at`` as their source time."""
        writes = [TagWrite(line="line3", tag=tag, value=value, source_at=at) for tag, value in values.items()]
        self.do(self._server.write(writes))

    def part(self, *, product: str = "bracket") -> datetime:
        """One part, with a sensor value before its trigger and one behind its window; the time of the trigger."""
        self.counter += 1
        at = datetime.now(UTC)
        self.write(at - timedelta(milliseconds=100), Temperature=20.0 + self.counter, Speed=1.5)
        self.write(
            at,
            PartId=f"P-{self.counter}",
            TriggerSession=self.session,
            Product=product,
            PackMLState="Execute",
            PartCounter=self.counter,
        )
        self.write(at + timedelta(milliseconds=250), Temperature=99.0, Speed=1.25)
        return at

    def sessions(self) -> int:
        """How many client sessions the server holds."""
        server = self._server._server
        return 0 if server is None else len(server.iserver._external_sessions)

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
        self.do(_cancel_the_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _cancel_the_others() -> None:
    """End what asyncua's server leaves running for sessions that were not closed."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
