"""Publish requests wait until their session is active again.

asyncua's publish loop tries once a second on whatever connection there is: after a lost link also on one whose session
is not active yet. node-opcua never answers such a request, so the loop waits for ever, the subscription counts as stale
and is made anew, and every value that the server had kept for the old one is gone.
"""

from asyncua import ua
from asyncua.client.ua_client import UaClient, UaClientState


class PublishGate:
    """Stands between a session's publish loop and its Publish service."""

    def __init__(self, client: UaClient) -> None:
        self._client = client
        self._publish = client.session.publish

    @classmethod
    def apply(cls, client: UaClient) -> None:
        """Hold back the Publish requests of ``client``'s session while it is not active."""
        client.session.publish = cls(client).publish  # type: ignore[method-assign]  # the one place asyncua offers

    async def publish(self, acks: list[ua.SubscriptionAcknowledgement]) -> ua.PublishResponse:
        """Send one as soon as the session is active; waits as long as it is not, until cancelled."""
        async with self._client.subscribe_state() as states:
            await states.wait_for_state(UaClientState.CONNECTED)
        return await self._publish(acks)
