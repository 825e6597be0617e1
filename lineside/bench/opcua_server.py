"""The PLC of the OPC UA benchmark, as a process.

``python -m lineside.bench.opcua_server ENDPOINT NODES PER_SECOND``
"""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import Final

from asyncua import Server, ua

NAMESPACE: Final = "urn:lineside:bench"
# Writes per second to each node: a tick of 20 ms is the shortest cycle that an asyncua server keeps steadily.
_TICK_S: Final = 0.02
_TICKS_PER_PART: Final = 10


async def serve(endpoint: str, nodes: int, per_second: float) -> None:
    """Change ``nodes`` values together ``per_second`` times a second, and count a part every 200 ms, until killed."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    server = Server()
    await server.init()
    server.set_endpoint(endpoint)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(NAMESPACE)
    line = await server.nodes.objects.add_object(index, "Line")
    values = [await line.add_variable(index, f"Value{number}", 0.0) for number in range(nodes)]
    session = await line.add_variable(index, "TriggerSession", datetime.now(UTC).isoformat())
    part_id = await line.add_variable(index, "PartId", "")
    counter = await line.add_variable(index, "PartCounter", 0)
    per_tick = max(1, round(per_second * _TICK_S / nodes))
    async with server:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await _write(server, session.nodeid, await session.read_value())
        tick, value, next_s = 0, 0.0, asyncio.get_running_loop().time()
        while True:
            for _ in range(per_tick):
                value += 1.0
                for node in values:
                    await _write(server, node.nodeid, value)
            tick += 1
            if tick % _TICKS_PER_PART == 0:
                await _write(server, part_id.nodeid, f"P-{tick}")
                await _write(server, counter.nodeid, tick // _TICKS_PER_PART)
            next_s = max(next_s + _TICK_S, asyncio.get_running_loop().time())
            await asyncio.sleep(next_s - asyncio.get_running_loop().time())


async def _write(server: Server, node_id: ua.NodeId, value: float | str) -> None:
    now = datetime.now(UTC)
    data = ua.DataValue(ua.Variant(value), SourceTimestamp=now, ServerTimestamp=now)  # type: ignore[arg-type]
    await server.write_attribute_value(node_id, data)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
