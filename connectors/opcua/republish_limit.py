"""A bound on Republish after a reconnect, for servers that never say that they have nothing more.

A server that no longer has a message must answer BadMessageNotAvailable (OPC UA Part 4, 5.14.6). asyncua's own server
answers Good with an empty message instead, and asyncua's client then asks for ever: 53 000 calls in 10 s and a core
burnt (CONVENTIONS §3.3). What is asked beyond the bound is answered here as the standard says.
"""

import asyncio
from typing import Final

from asyncua import ua
from asyncua.client.ua_session import UaSession
from asyncua.ua.uaerrors import BadMessageNotAvailable

# A server keeps a few messages per session for this; thousands in a row are no gap but a loop.
_IN_A_ROW: Final = 2000
_ANSWER_WITHIN_S: Final = 5.0


class RepublishLimit:
    """Stands between a subscription and its session's Republish service."""

    def __init__(self, session: UaSession) -> None:
        self._republish = session.republish
        self._last: int | None = None
        self._in_a_row = 0

    @classmethod
    def apply(cls, session: UaSession) -> None:
        """Bound every Republish of ``session``."""
        session.republish = cls(session).republish  # type: ignore[method-assign]  # the one place asyncua offers

    async def republish(self, subscription_id: int, retransmit_sequence_number: int) -> ua.NotificationMessage:
        """Ask the server once; BadMessageNotAvailable also for an answer to something else than was asked."""
        follows = self._last is not None and retransmit_sequence_number == self._last + 1
        self._in_a_row = self._in_a_row + 1 if follows else 1
        self._last = retransmit_sequence_number
        if self._in_a_row > _IN_A_ROW:
            raise BadMessageNotAvailable
        message = await asyncio.wait_for(
            self._republish(subscription_id, retransmit_sequence_number), timeout=_ANSWER_WITHIN_S
        )
        if message.SequenceNumber != retransmit_sequence_number:
            raise BadMessageNotAvailable
        return message
