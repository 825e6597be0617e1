"""Publish requests leave only while no link is being restored."""

import asyncio

from asyncua import Client, ua

from connectors.opcua.publish_gate import PublishGate


async def test_a_publish_request_waits_while_a_link_is_restored_and_leaves_afterwards() -> None:
    client = Client("opc.tcp://127.0.0.1:1")
    restored, published = asyncio.Event(), asyncio.Event()

    async def publish(acks: list[ua.SubscriptionAcknowledgement]) -> ua.PublishResponse:
        published.set()
        return ua.PublishResponse()

    async def reconnect() -> bool:
        await restored.wait()
        return True

    client.uaclient.session.publish = publish
    client._reconnect_with_backoff = reconnect
    PublishGate.apply(client)

    restoring = asyncio.create_task(client._reconnect_with_backoff())
    await asyncio.sleep(0)  # it has begun
    waiting = asyncio.create_task(client.uaclient.session.publish([]))
    await asyncio.sleep(0)
    assert not published.is_set()

    restored.set()
    assert await restoring
    await asyncio.wait_for(waiting, timeout=5)
    assert published.is_set()
