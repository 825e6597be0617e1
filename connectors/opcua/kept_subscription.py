"""A subscription that outlived a lost link in its own session is kept, whatever the server says to a transfer of it.

After a lost link asyncua re-activates the session, and then asks for a transfer of each subscription. A server must
answer BadNothingToDo where the subscription belongs to that very session (OPC UA Part 4, 5.14.7), and one without the
service a fault (S7-1500). asyncua takes both for a loss, deletes the subscription and makes another, and every value
that the server had kept for the old one is gone: with node-opcua all of a black hole of 12 s.
"""

from typing import Final

from asyncua import ua
from asyncua.client.ua_session import UaSession

_UNKNOWN_SERVICE: Final = (
    ua.StatusCodes.BadServiceUnsupported,
    ua.StatusCodes.BadNotImplemented,
    ua.StatusCodes.BadNotSupported,
)


class KeptSubscription:
    """Stands between asyncua's restoring of subscriptions and its session's TransferSubscriptions service."""

    def __init__(self, session: UaSession) -> None:
        self._transfer = session.transfer_subscriptions

    @classmethod
    def apply(cls, session: UaSession) -> None:
        """Take part in every transfer of ``session``."""
        session.transfer_subscriptions = cls(session).transfer  # type: ignore[method-assign]  # the one place there is

    async def transfer(self, params: ua.TransferSubscriptionsParameters) -> list[ua.TransferResult]:
        """Transfer; Good where there was nothing to do, or no service for it.

        If the subscription is gone all the same, the Republish that follows fails, and asyncua makes another.
        """
        try:
            results: list[ua.TransferResult] = await self._transfer(params)
        except ua.UaStatusCodeError as error:
            if error.code not in _UNKNOWN_SERVICE:
                raise
            return [ua.TransferResult() for _ in params.SubscriptionIds]
        return [ua.TransferResult() if _is_ours(one) else one for one in results]


def _is_ours(result: ua.TransferResult) -> bool:
    return bool(result.StatusCode.value == ua.StatusCodes.BadNothingToDo)
