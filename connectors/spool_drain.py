"""What the spool gives back: records in order, each on its way to Kafka once at a time."""

import time
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Final

import structlog

from connectors.drain_pace import DrainPace
from connectors.outgoing import Outgoing
from connectors.source_ledger import SourceLedgers
from connectors.spool import Spool
from connectors.spooled_parts import SpooledParts
from wire.cloudevents import CloudEvent
from wire.errors import DecodeError
from wire.frame import origin_of

# Records of an earlier process that are booked in one go: some hundredths of a second, after which new events are seen
# to. All at once, a full spool of small events would keep every source waiting for half a minute.
_BOOKED_AT_ONCE: Final = 500


class SpoolDrain:
    """Books what an earlier process left, then reads records back, oldest first. Used by the publisher's thread.

    Until everything is booked nothing is read back, and nothing passes: what comes meanwhile queues behind it.
    """

    def __init__(
        self,
        spool: Spool,
        ledgers: SourceLedgers,
        *,
        most_events: int,
        most_bytes: int,
        per_new: float,
        new_first_after_s: float | None,
    ) -> None:
        self._spool = spool
        self._ledgers = ledgers
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._new_first_after_s = new_first_after_s
        self._pace = DrainPace(per_new=per_new, most_events=most_events, most_bytes=most_bytes)
        self._parts = SpooledParts()
        self._read_back: dict[int, int] = {}  # record → bytes of what was read back and is not acknowledged
        self._on_their_way: set[int] = set()  # records that the sender has, read back or spooled while under way
        self._next = 0  # records from here on are on disk alone
        self._unbooked, self._booked_end = 0, spool.end
        self._log = structlog.get_logger("connectors.publisher")

    @property
    def is_recovering(self) -> bool:
        """Whether records of an earlier process wait to be booked."""
        return self._unbooked < self._booked_end

    @property
    def has_backlog(self) -> bool:
        """Whether records are on disk alone."""
        return self._next < self._spool.end

    @property
    def is_under_way(self) -> bool:
        """Whether something that was read back is not acknowledged yet."""
        return bool(self._read_back)

    @property
    def lets_new_pass(self) -> bool:
        """Whether the oldest has waited for so long that new events no longer queue behind it."""
        after_s = self._new_first_after_s
        return after_s is not None and not self.is_recovering and self._spool.oldest_age_s > after_s

    def holds_part_of(self, event: CloudEvent) -> bool:
        """Whether another event of its part lies in the spool."""
        return event in self._parts

    def recover(self) -> None:
        """Book some of what an earlier process left."""
        earlier = takewhile(lambda number: number < self._booked_end, self._spool.unacknowledged(self._unbooked))
        for number in islice(earlier, _BOOKED_AT_ONCE):
            event = self._event(number)
            if event is not None:
                self._ledgers.spooled([origin_of(event)])
                self._parts.add(event)
        self._unbooked = next(earlier, self._booked_end)

    def _event(self, number: int) -> CloudEvent | None:
        try:
            return self._spool.read(number)
        except (DecodeError, OSError) as error:
            self._log.error("spool_record_unreadable", record=number, reason=str(error))
            return None

    def took(self, item: Outgoing, *, is_on_its_way: bool) -> None:
        """An event was spooled; ``is_on_its_way``: the sender has it all the same."""
        self._parts.add(item.event)
        if is_on_its_way and item.record is not None:
            self._on_their_way.add(item.record)

    def new_arrived(self, now_s: float) -> None:
        """A new event came, whether it can be sent or not."""
        self._pace.new_arrived(now_s)

    def follow(self, *, in_trouble: bool) -> Iterator[Outgoing]:
        """Records to be sent now, oldest first."""
        if self.is_recovering:
            return
        for number in self._spool.unacknowledged(self._next):
            if not self._may_follow(in_trouble=in_trouble):
                return
            self._next = number + 1
            if number in self._on_their_way:
                continue
            event = self._event(number)
            if event is None:
                # The disk lost it; the ledger goes on to call it spooled, so that it stays visible as what is missing.
                self._spool.acknowledge(number)
                continue
            item = Outgoing(origin_of(event), event, taken_at=time.monotonic(), record=number)
            self._read_back[number] = item.size
            self._pace.drained()
            yield item
        self._next = self._spool.end

    def _may_follow(self, *, in_trouble: bool) -> bool:
        events, size = len(self._read_back), sum(self._read_back.values())
        if not self.lets_new_pass:
            return events < self._most_events and size < self._most_bytes
        if in_trouble and not events:
            return True  # one finds out whether Kafka is back
        return self._pace.allows(time.monotonic(), events=events, size=size)

    def sent(self, item: Outgoing) -> None:
        """The sender has it."""
        if item.record is None:
            self._pace.new_sent()
        else:
            self._on_their_way.add(item.record)

    def acknowledged(self, item: Outgoing) -> None:
        """A spooled one is in Kafka."""
        if item.record is not None:
            self._spool.acknowledge(item.record)
            self._pace.acknowledged(item.size, time.monotonic() - item.sent_at)

    def settled(self, item: Outgoing) -> None:
        """The sender is done with it, whatever came of it."""
        if item.record is not None:
            self._on_their_way.discard(item.record)
            self.gave_up(item.record)

    def put_back(self, item: Outgoing) -> None:
        """A spooled one was not sent: it is on disk alone again."""
        if item.record is not None:
            self.settled(item)
            self._next = min(self._next, item.record)

    def gave_up(self, number: int) -> None:
        """A record is no longer on its way for us."""
        self._read_back.pop(number, None)

    def forget_parts(self) -> None:
        """Nothing lies in the spool: parts begin anew."""
        if not self.has_backlog and not self._read_back:
            self._parts.clear()
