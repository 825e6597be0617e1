"""Publish requests leave only while the session is active."""

import asyncio

from asyncua import ua
from asyncua.client.ua_client import UaClient, UaClientState
from asyncua.client.ua_session import UaSession

from connectors.opcua.publish_gate import PublishGate
from tests.components.waiting import wait_until_async


class CountingSession(UaSession):
    def __init__(self, client: UaClient) -> None:
        super().__init__(client)
        self.published = 0

    async def publish(self, acks: list[ua.SubscriptionAcknowledgement]) -> ua.PublishResponse:
        self.published += 1
        return ua.PublishResponse()


async def test_a_publish_request_waits_for_an_active_session_and_leaves_at_once_when_there_is_one() -> None:
    client = UaClient()
    client.session = session = CountingSession(client)
    PublishGate.apply(client)
    client._set_state(UaClientState.CHANNEL_OPEN)

    waiting = asyncio.create_task(session.publish([]))
    await wait_until_async(lambda: bool(client._state_listeners), 5, "the request to wait")
    assert session.published == 0

    client._set_state(UaClientState.CONNECTED)
    await asyncio.wait_for(waiting, timeout=5)
    await session.publish([])
    assert session.published == 2
