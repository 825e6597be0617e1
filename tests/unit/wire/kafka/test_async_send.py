"""Awaiting an acknowledgement: whoever stops waiting disturbs nobody."""

import asyncio
from collections.abc import Sequence

import pytest

from wire.errors import BrokerUnavailable
from wire.event_sender import Acknowledgement, Delivered
from wire.kafka.async_send import send_raw_and_wait


class HeldSender:
    """A sender whose outcomes the test decides; not even one that takes nothing has another face."""

    def __init__(self) -> None:
        self.held: list[Delivered] = []

    def send_raw(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        delivered: Delivered,
    ) -> None:
        self.held.append(delivered)


async def waiting(sender: HeldSender) -> "asyncio.Task[Acknowledgement]":
    task = asyncio.create_task(send_raw_and_wait(sender, "t", None, b"", []))
    await asyncio.sleep(0)
    return task


async def test_the_outcome_may_come_from_any_thread() -> None:
    sender = HeldSender()
    task = await waiting(sender)
    await asyncio.to_thread(sender.held[0], Acknowledgement("t", 3, 7))
    acknowledgement = await task
    assert (acknowledgement.topic, acknowledgement.partition, acknowledgement.offset) == ("t", 3, 7)


async def test_a_failed_attempt_is_raised() -> None:
    sender = HeldSender()
    task = await waiting(sender)
    await asyncio.to_thread(sender.held[0], BrokerUnavailable("gone"))
    with pytest.raises(BrokerUnavailable, match="gone"):
        await task


async def test_an_outcome_for_a_cancelled_wait_is_dropped() -> None:
    sender = HeldSender()
    task = await waiting(sender)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(sender.held[0], Acknowledgement("t", 3, 7))
    await asyncio.sleep(0)


def test_an_outcome_after_the_end_of_the_loop_is_dropped() -> None:
    sender = HeldSender()

    async def abandon() -> None:
        task = await waiting(sender)
        task.cancel()

    asyncio.run(abandon())
    sender.held[0](Acknowledgement("t", 3, 7))
