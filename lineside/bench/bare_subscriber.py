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


async def count(endpoint: str, nodes: int, seconds: float) -> tuple[float, float]:
    """(values per second, processor microseconds per value), with the connector's own intervals and queues."""
    logging.getLogger("asyncua").setLevel(logging.WARNING)
    counter = _Counter()
    async with Client(endpoint) as client:
        index = await client.get_namespace_index(NAMESPACE)
        line = await client.nodes.objects.get_child([f"{index}:Line"])
        watched = [await line.get_child([f"{index}:Value{number}"]) for number in range(nodes)]
        subscription = await client.create_subscription(100, counter)
        await subscription.subscribe_data_change(watched, queuesize=1000, sampling_interval=ua.Double(50))
        await asyncio.sleep(1.0)
        before, began_s, used_s = counter.values, time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        values = counter.values - before
        return values / (time.perf_counter() - began_s), (time.process_time() - used_s) / max(values, 1) * 1e6


if __name__ == "__main__":
    rate, used_us = asyncio.run(count(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
    sys.stdout.write(f"{rate} {used_us}\n")
