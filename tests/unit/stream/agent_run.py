"""Runs an agent on some records until a condition holds; tells whether it died on the way."""

import asyncio
from collections.abc import Callable, Sequence

import stamina

from stream.agents.agent import Agent
from stream.steps.consumed import ConsumedRecord
from tests.components.waiting import wait_until_async
from tests.unit.stream.sabotage import Sabotage, Sabotaged

DEADLINE_S = 20.0


class Acknowledged:
    """Remembers what was acknowledged. Point: ``acknowledge``."""

    def __init__(self, sabotage: Sabotage) -> None:
        self.offsets: list[int] = []
        self._sabotage = sabotage

    def acknowledge(self, topic: str, partition: int, epoch: int, offsets: Sequence[int]) -> None:
        self._sabotage.hit("acknowledge")
        self.offsets += offsets

    def committed(self, topic: str, partition: int) -> int | None:
        return None


async def run_agent(
    agent: Agent,
    records: Sequence[ConsumedRecord],
    progress: Acknowledged,
    until: Callable[[], bool],
    what: str,
) -> bool:
    """True if ``until`` came true, False if the agent died of sabotage before."""
    died = False
    try:
        with stamina.set_testing(True, attempts=100):
            async with asyncio.TaskGroup() as tasks:
                background = tasks.create_task(agent.run(progress))
                await asyncio.sleep(0)
                if records:
                    await agent.take(records)
                await wait_until_async(until, DEADLINE_S, what)
                background.cancel()
    except* Sabotaged:
        died = True
    return not died
