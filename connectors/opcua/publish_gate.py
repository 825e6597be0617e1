"""Publish requests wait while a lost link is being restored.

asyncua's publish loop tries once a second on whatever connection there is. On one whose session is not active yet
node-opcua never answers it: the loop waits for ever, the subscription counts as stale and is made anew, and what the
server had kept for the old one is gone. On one whose subscriptions are not restored yet, new values overtake those that
Republish brings.
"""

import asyncio

from asyncua import Client, ua


class PublishGate:
    """Stands between a session's publish loop and its Publish service. Belongs to the running event loop."""

    def __init__(self, client: Client) -> None:
        self._publish = client.uaclient.session.publish
        self._reconnect = client._reconnect_with_backoff  # noqa: SLF001 - nothing public says when all is restored
        self._open = asyncio.Event()
        self._open.set()

    @classmethod
    def apply(cls, client: Client) -> None:
        """Hold back the Publish requests of ``client`` while it restores a link, subscriptions included."""
        gate = cls(client)
        client.uaclient.session.publish = gate.publish  # type: ignore[method-assign]  # the one place asyncua offers
        client._reconnect_with_backoff = gate.reconnect  # type: ignore[method-assign]  # noqa: SLF001

    async def publish(self, acks: list[ua.SubscriptionAcknowledgement]) -> ua.PublishResponse:
        """Send one as soon as nothing is being restored; waits as long as that takes, until cancelled."""
        await self._open.wait()
        return await self._publish(acks)

    async def reconnect(self) -> bool:
        """As asyncua's own."""
        self._open.clear()
        try:
            return bool(await self._reconnect())
        finally:
            self._open.set()
