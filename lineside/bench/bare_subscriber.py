"""The subscriber that a programmer would write who has nothing but asyncua: the measure of the OPC UA connector.

As a process, like the connector: ``python -m lineside.bench.bare_subscriber ENDPOINT NODES SECONDS`` prints values/s.
"""

import asyncio
import logging
import sys
import time

from asyncua import Client, ua
from asyncua.common.node import Node
from asyncua.common.subscription import DataChangeNotif

from lineside.bench.opcua_server import NAMESPACE


class _Counter:
    """Counts values."""

    def __init__(self) -> None:
        self.values = 0

    def datachange_notification(self, node: Node, val: object, data: DataChangeNotif) -> None:
        self.values += 1


async def count(endpoint: str, nodes: int, seconds: float) -> float:
    """Values per second of a subscription with the connector's own intervals and queues."""
    logging.getLogger("asyncua").setLevel(logging.WARNING)
    counter = _Counter()
    async with Client(endpoint) as client:
        index = await client.get_namespace_index(NAMESPACE)
        line = await client.nodes.objects.get_child([f"{index}:Line"])
        watched = [await line.get_child([f"{index}:Value{number}"]) for number in range(nodes)]
        subscription = await client.create_subscription(100, counter)
        await subscription.subscribe_data_change(watched, queuesize=1000, sampling_interval=ua.Double(50))
        await asyncio.sleep(1.0)
        before, began_s = counter.values, time.perf_counter()
        await asyncio.sleep(seconds)
        return (counter.values - before) / (time.perf_counter() - began_s)


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(count(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))}\n")
