"""A worker that has closed everything ends, whatever libraries left running."""

import asyncio
import subprocess
import sys

from stream.agents.agent import Agent
from stream.consumer_group import ConsumerGroup
from wire.kafka.settings import KafkaSettings

# In a process of its own: what is left behind would be a leak here.
STUBBORN = """
import asyncio
from lineside.quick_end import end_now
from stream.worker import run_and_leave

async def ignores_its_cancellation():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def main():
    asyncio.get_running_loop().left = asyncio.create_task(ignores_its_cancellation())
    await asyncio.sleep(0)
    return 7

end_now(run_and_leave(main()))
"""


def test_a_task_that_ignores_its_cancellation_keeps_no_worker_from_its_end() -> None:
    answer = subprocess.run([sys.executable, "-c", STUBBORN], capture_output=True, text=True, check=False, timeout=60)
    assert (answer.returncode, answer.stderr) == (7, "")


class IdleAgent:
    group = "lineside-idle"
    topics = ("lineside.frames",)
    max_take = 1


async def test_asking_a_group_for_its_consumer_from_another_thread_makes_none() -> None:
    agent: Agent = IdleAgent()  # type: ignore[assignment]  # as much of an agent as a group needs that never starts
    group = ConsumerGroup(agent, KafkaSettings(bootstrap="127.0.0.1:9"), client_id="t")
    group.app._started.set()  # as at the start, before Faust comes to its consumer
    assert await asyncio.to_thread(lambda: group.consumer) is None
    assert group.app._consumer is None
