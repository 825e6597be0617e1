"""One event between its hand-over and its acknowledgement."""

from collections.abc import Callable
from concurrent.futures import Future

from wire.cloudevents import CloudEvent
from wire.frame import Origin


class Outgoing:
    """What the publisher knows about an event that it holds, in memory or on the way to the broker.

    ``record``: its number in the spool, None while it is in memory alone. ``done``: None once it was called.
    ``order``: counts what the publisher took, so that what fails goes back to its place.
    """

    __slots__ = ("claim", "done", "event", "finished", "order", "origin", "record", "sent_at", "size", "taken_at")

    def __init__(
        self,
        origin: Origin,
        event: CloudEvent,
        *,
        taken_at: float,
        done: Callable[[], None] | None = None,
        record: int | None = None,
    ) -> None:
        self.origin = origin
        self.event = event
        self.done = done
        self.record = record
        self.size = len(event.data)
        self.taken_at = taken_at
        self.sent_at = taken_at
        self.claim: Future[CloudEvent] | None = None
        self.finished = False
        self.order = 0

    @property
    def is_ready(self) -> bool:
        """Whether it could be sent: no put of its payload is under way."""
        return self.claim is None or self.claim.done()

    def take_claim(self) -> None:
        """Replace the payload by the claim on it once the put has ended; raises what the put raised."""
        if self.claim is not None:
            claim, self.claim = self.claim, None
            self.event = claim.result()

    def abandon_claim(self) -> None:
        """Keep the claim if the put has succeeded; else go on with the payload itself."""
        claim, self.claim = self.claim, None
        if claim is not None and not claim.cancel() and claim.done() and claim.exception() is None:
            self.event = claim.result()

    def let_go(self) -> None:
        """Tell the source that the event is safe; the first call counts."""
        done, self.done = self.done, None
        if done is not None:
            done()
