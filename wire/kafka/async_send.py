"""Sending from asyncio: await the broker's acknowledgement."""

import asyncio
from collections.abc import Callable

from wire.cloudevents import CloudEvent, RawHeaders
from wire.errors import LinesideError
from wire.event_sender import Acknowledgement, Delivered, EventSender, RawSender


async def send_and_wait(sender: EventSender, topic: str, key: str, event: CloudEvent) -> Acknowledgement:
    """Send one event and wait until the broker has it. Raises what ``send`` raises or the attempt ended with.

    The caller retries BrokerUnavailable. A cancelled wait leaves the event on its way.
    """
    return await _acknowledged(lambda delivered: sender.send(topic, key, event, delivered))


async def send_raw_and_wait(
    sender: RawSender, topic: str, key: bytes | None, value: bytes | None, headers: RawHeaders
) -> Acknowledgement:
    """Send one record byte for byte and wait until the broker has it; otherwise like ``send_and_wait``."""
    return await _acknowledged(lambda delivered: sender.send_raw(topic, key, value, headers, delivered))


async def _acknowledged(send: Callable[[Delivered], None]) -> Acknowledgement:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Acknowledgement] = loop.create_future()

    def settle(outcome: Acknowledgement | LinesideError) -> None:
        if answer.done():  # the waiting task was cancelled
            return
        if isinstance(outcome, Acknowledgement):
            answer.set_result(outcome)
        else:
            answer.set_exception(outcome)

    def delivered(outcome: Acknowledgement | LinesideError) -> None:
        if not loop.is_closed():  # nobody is left to be told
            loop.call_soon_threadsafe(settle, outcome)

    send(delivered)
    return await answer
