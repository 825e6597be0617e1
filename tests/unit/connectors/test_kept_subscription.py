"""A subscription that is still ours is kept, whatever the server answers to its transfer."""

import pytest
from asyncua import ua
from asyncua.client.ua_client import UaClient
from asyncua.client.ua_session import UaSession
from asyncua.ua.uaerrors import BadServiceUnsupported, BadTooManySubscriptions

from connectors.opcua.kept_subscription import KeptSubscription


class AnsweringSession(UaSession):
    """Answers each transfer with one status, or a fault."""

    def __init__(self, status: int = 0, fault: type[ua.UaError] | None = None) -> None:
        super().__init__(UaClient())
        self._status, self._fault = status, fault

    async def transfer_subscriptions(self, params: ua.TransferSubscriptionsParameters) -> list[ua.TransferResult]:
        if self._fault is not None:
            raise self._fault
        return [ua.TransferResult(StatusCode=ua.StatusCode(ua.UInt32(self._status)))]


async def transferred(session: AnsweringSession) -> int:
    KeptSubscription.apply(session)
    (result,) = await session.transfer_subscriptions(ua.TransferSubscriptionsParameters(SubscriptionIds=[ua.UInt32(7)]))
    return result.StatusCode.value


async def test_nothing_to_do_and_an_unknown_service_mean_that_the_subscription_is_still_ours() -> None:
    assert await transferred(AnsweringSession(ua.StatusCodes.BadNothingToDo)) == 0
    assert await transferred(AnsweringSession(fault=BadServiceUnsupported)) == 0


async def test_a_subscription_that_is_gone_stays_gone() -> None:
    gone = ua.StatusCodes.BadSubscriptionIdInvalid
    assert await transferred(AnsweringSession(gone)) == gone
    with pytest.raises(BadTooManySubscriptions):
        await transferred(AnsweringSession(fault=BadTooManySubscriptions))
