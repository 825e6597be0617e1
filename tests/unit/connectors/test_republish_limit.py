"""Republish ends, whatever the server answers."""

import pytest
from asyncua import ua
from asyncua.client.ua_client import UaClient
from asyncua.client.ua_session import UaSession
from asyncua.ua.uaerrors import BadMessageNotAvailable

from connectors.opcua.republish_limit import RepublishLimit


class AnsweringSession(UaSession):
    """Answers each Republish with the message number that ``answer`` makes of the asked one."""

    def __init__(self, answer) -> None:
        super().__init__(UaClient())
        self._answer = answer

    async def republish(self, subscription_id: int, retransmit_sequence_number: int) -> ua.NotificationMessage:
        return ua.NotificationMessage(SequenceNumber=ua.UInt32(self._answer(retransmit_sequence_number)))


async def test_the_message_that_was_asked_for_passes() -> None:
    session = AnsweringSession(lambda asked: asked)
    RepublishLimit.apply(session)
    assert (await session.republish(1, 5)).SequenceNumber == 5


async def test_an_empty_message_means_that_there_is_nothing_more() -> None:
    session = AnsweringSession(lambda asked: 0)  # what asyncua's server answers to an unknown number
    RepublishLimit.apply(session)
    with pytest.raises(BadMessageNotAvailable):
        await session.republish(1, 5)


async def test_a_server_that_never_ends_is_ended() -> None:
    session = AnsweringSession(lambda asked: asked)
    RepublishLimit.apply(session)
    with pytest.raises(BadMessageNotAvailable):
        for number in range(1, 2100):
            await session.republish(1, number)
    assert number == 2001
    assert (await session.republish(1, 7)).SequenceNumber == 7  # the next reconnect begins anew
