"""Faust's consumer, made to commit nothing but what was acknowledged on purpose.

Faust acknowledges records that it skips by itself: leftovers of an earlier assignment, and everything that comes while
its flow is suspended, as at a stop (``Stream._py_aiter``: ``do_ack or value is skipped_value``). Such a record leaves a
hole in front of it, and Faust commits over a hole of one record, and over any hole where nothing was committed before.
"""

import faust
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP, Message


class ExplicitConsumer(Consumer):
    """A consumer whose records are done only when ``settle`` says so."""

    def ack(self, message: Message) -> bool:
        """Called by Faust when it believes that a record is done: it is not."""
        return False

    def settle(self, message: Message) -> bool:
        """The record is done. Call it in the order of offsets, without a hole."""
        return bool(super().ack(message))

    def committed_offset(self, tp: TP) -> int | None:
        """Where the group goes on in this partition; None if it never committed."""
        return self._committed_offset[tp]


class ExplicitTransport(Transport):
    """Faust's aiokafka transport with the consumer above."""

    Consumer = ExplicitConsumer


def use_explicit_acknowledgement(app: faust.App) -> None:
    """Give ``app`` this transport; before anything has asked for its own."""
    app.transport = ExplicitTransport(app.conf.broker_consumer, app)
