"""From captured to Kafka, or to the spool and then to Kafka: nothing in between is lost.

The way of one event, in this order:

1. its payload, if larger than the inline limit, is put into the object store;
2. it is produced to ``lineside.frames``;
3. the broker acknowledges it;
4. the ledger books it as published;
5. its source lets go of its own copy (``Captured.done``).

While 1 to 3 do not succeed, events are appended to the spool, synced in groups, and 5 happens after the sync. The
spool is drained through the same steps, in order, before anything newer is published. Once its oldest event has waited
for ``new_first_after_s``, new events no longer queue behind it: they are published as they come, in their own order,
and the spool is drained beside them (``SpoolDrain``).
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter

import structlog

from connectors.captured import Captured
from connectors.claim_check import put_payload
from connectors.errors import PublisherFull
from connectors.metrics import ConnectorMetrics
from connectors.outgoing import Outgoing
from connectors.source_ledger import SourceLedgers
from connectors.spool import Spool, SpoolPolicy
from connectors.spool_drain import SpoolDrain
from wire import topics
from wire.cloudevents import CloudEvent
from wire.errors import BadInput, BrokerUnavailable, LinesideError, RetryLater
from wire.event_sender import Acknowledgement, EventSender
from wire.frame import Origin, origin_of
from wire.ledger import DropReason
from wire.payload_store import PayloadStore

# How often time alone is looked at: stalls, the end of a pause, a spool that refused.
_TICK_S = 0.25
_ORDER = attrgetter("order")
# Where a broker takes less than it should, payloads down to this size go through the object store. A refusal of less
# concerns a batch, and says nothing about the event.
_LEAST_INLINE_BYTES = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class PublisherLimits:
    """How much is held and how long is waited."""

    # Payloads between source and broker. Less starves the parallel object puts; with ``drain_bytes`` it stays below
    # the sender's own queue (64 MiB), which otherwise would refuse and send everything through the spool.
    held_bytes: int = 32 * 1024 * 1024
    # Events without payload need a bound too: each costs about 2 KB in Python and librdkafka.
    held_events: int = 10_000
    # What is not acknowledged by then goes to the spool: so much a crash can cost a source that keeps no copy.
    # Shorter than a broker's leader election (about a second) it would spool at each of those.
    spool_after_s: float = 2.0
    # Spooled events on their way at once: enough to fill linger and batch, few enough to be sent twice.
    drain_events: int = 256
    drain_bytes: int = 16 * 1024 * 1024
    # How long the oldest spooled event has waited before new ones pass the spool; None: never. Shorter: a broker's
    # restart would already cut parts in two, whose halves come apart; longer: so much later is every verdict.
    new_first_after_s: float | None = None
    # Spooled events per new one from then on. More: workers get no time for the new ones; fewer: it takes longer.
    drain_per_new: float = 3.0
    # A durable put waits for disk or network most of its time, so several overlap; they are few because each holds a
    # payload in the store's client.
    object_puts: int = 4


class Publisher:
    """Takes events from sources and brings each to Kafka at least once, new ones in the order of ``submit``.

    Spooled ones come in theirs, and both in one order until the spool's oldest has waited for ``new_first_after_s``.

    Holds a bounded number of bytes; what cannot be published goes to the spool. A full spool refuses further events
    (``every_frame``) or drops its oldest (``freshest``). One thread of its own does the work; ``submit`` may be called
    from any thread and does not block. ``failure``: what ended that thread, if something unforeseen did;
    ``spool_state``: as of its last round.
    """

    def __init__(
        self,
        *,
        sender: EventSender,
        payloads: PayloadStore,
        spool: Spool,
        ledgers: SourceLedgers,
        metrics: ConnectorMetrics,
        inline_limit_bytes: int,
        policy: SpoolPolicy,
        limits: PublisherLimits | None = None,
    ) -> None:
        self._sender = sender
        self._payloads = payloads
        self._spool = spool
        self._ledgers = ledgers
        self._metrics = metrics
        self._inline_limit_bytes = inline_limit_bytes
        self._policy = policy
        self._limits = limits or PublisherLimits()
        self._log = structlog.get_logger("connectors.publisher")
        self._puts = ThreadPoolExecutor(self._limits.object_puts, thread_name_prefix="object-put")
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self.failure: Exception | None = None
        self.spool_state = spool.state

        # Shared with the sources, under the lock.
        self._condition = threading.Condition()
        self._arrived: deque[Outgoing] = deque()
        self._held_bytes = 0  # of events that are in memory alone
        self._held_events = 0
        self._taken = 0
        self._stop_at: float | None = None
        # Filled by the sender's thread, emptied by ours: a deque needs no lock for that.
        self._results: deque[tuple[Outgoing, Acknowledgement | LinesideError]] = deque()
        self._idle = False

        # Our thread's own.
        self._waiting: deque[Outgoing] = deque()  # to be sent, in order
        self._sent: deque[Outgoing] = deque()  # on their way, in order; finished ones leave on the left
        self._resume_at = 0.0
        self._delayed: tuple[Outgoing, float, str] | None = None  # the first waiting one, since when, and why
        self._trouble: str | None = None
        self._refused = False  # the spool is full and arrivals stay where they are
        self._drain = SpoolDrain(
            spool,
            ledgers,
            most_events=self._limits.drain_events,
            most_bytes=self._limits.drain_bytes,
            per_new=self._limits.drain_per_new,
            new_first_after_s=self._limits.new_first_after_s,
        )

    def start(self) -> None:
        """Begin; what an earlier process left in the spool comes first."""
        if len(self._spool):
            self._log.info("spool_recovered", events=len(self._spool), size_bytes=self._spool.size_bytes)
        self._tell_spool()
        self._thread.start()

    def _tell_spool(self) -> None:
        state = self._spool.state
        self.spool_state = state
        self._metrics.spool_bytes.set(state.size_bytes)
        self._metrics.spool_oldest_seconds.set(state.oldest_s)

    def submit(self, captured: Captured) -> None:
        """Take over one event. PublisherFull: it was not taken; the source keeps it and comes again later."""
        item = Outgoing(captured.origin, captured.event, taken_at=time.monotonic(), done=captured.done)
        limits = self._limits
        with self._condition:
            if self._stop_at is not None:
                raise PublisherFull("the publisher is stopping", retry_after_s=1.0)
            if self._held_events >= limits.held_events or (
                self._held_events and self._held_bytes + item.size > limits.held_bytes
            ):
                held = f"{self._held_events} events with {self._held_bytes} bytes"
                raise PublisherFull(f"{held} wait for Kafka and the spool", retry_after_s=0.02)
            self._held_bytes += item.size
            self._held_events += 1
            self._taken += 1
            item.order = self._taken
            self._ledgers.captured(captured.origin)
            self._arrived.append(item)
            if self._idle:
                self._condition.notify()
        self._metrics.count(captured.origin.source, "captured")

    @property
    def trouble(self) -> str | None:
        """Why events go to the spool just now; None while they are published directly."""
        return self._trouble

    @property
    def is_recovering(self) -> bool:
        """Whether the ledgers do not yet know everything that an earlier process left in the spool."""
        return self._drain.is_recovering

    @property
    def is_alive(self) -> bool:
        """Whether the publisher's thread runs."""
        return self._thread.is_alive()

    def close(self, timeout_s: float) -> int:
        """Publish or spool what is held, then stop; how many events got neither (their sources still have them)."""
        with self._condition:
            self._stop_at = time.monotonic() + timeout_s
            self._condition.notify()
        if self._thread.is_alive():
            # What takes longer than the deadline is one last sync of the spool; a disk that hangs must not hang us.
            self._thread.join(timeout_s + 2.0)
        self._puts.shutdown(wait=False, cancel_futures=True)
        return self._held_events

    # The publisher's thread.

    def _run(self) -> None:
        try:
            while self._step():
                pass
        except Exception as error:  # whatever it is, the supervisor ends the process and names it
            self._log.exception("publisher_failed")
            try:
                self._take_back([])
                self._spool_held()
            finally:
                self.failure = error

    def _step(self) -> bool:
        """One round over everything that has happened; False when it was the last."""
        stop_at = self._wait_for_work()
        if self._drain.is_recovering:
            self._drain.recover()
        self._settle()
        self._notice_stall()
        self._expire()
        self._place_arrivals()
        now = time.monotonic()
        if stop_at is None and now >= self._resume_at:
            self._refill()
        self._send()
        self._tell_spool()
        self._metrics.held_bytes.set(self._held_bytes)
        busy = self._held_events or self._drain.is_under_way
        if stop_at is None or (now < stop_at and self._trouble is None and busy):
            return True
        if self._held_events:
            self._take_back([])
            self._spool_held()
        return False

    def _wait_for_work(self) -> float | None:
        """Sleep until something happened or a tick is over; when to stop by, if so."""
        with self._condition:
            self._idle = True
            if not self._has_news():
                now = time.monotonic()
                self._condition.wait(min(_TICK_S, self._resume_at - now) if self._resume_at > now else _TICK_S)
            self._idle = False
            return self._stop_at

    def _has_news(self) -> bool:
        if self._results or self._drain.is_recovering:
            return True
        if self._waiting and self._waiting[0].is_ready:
            return time.monotonic() >= self._resume_at
        return bool(self._arrived) and not self._refused

    def _wake(self) -> None:
        # Ours is the only thread that waits: it set the flag before it looked for news, so none is missed.
        if self._idle:
            with self._condition:
                self._condition.notify()

    def _settle(self) -> None:
        """Book what the broker answered since the last round (steps 3 to 5); failed events go back to their place."""
        failed: list[Outgoing] = []
        reason: RetryLater | None = None
        while self._results:
            item, result = self._results.popleft()
            self._drain.settled(item)
            if isinstance(result, Acknowledgement):
                self._finish(item)
            elif isinstance(result, RetryLater):
                failed.append(item)
                reason = result
            elif isinstance(result, BadInput):
                failed.append(item)
                reason = self._inline_less(item, result)
            else:
                raise result
        while self._sent and self._sent[0].finished:
            self._sent.popleft()
        if reason is not None:
            self._fall_back(reason, failed)

    def _finish(self, item: Outgoing) -> None:
        item.finished = True
        self._trouble = None
        self._ledgers.published(item.origin)
        self._metrics.count(item.origin.source, "published")
        if item.record is None:
            self._metrics.publish_seconds.observe(time.monotonic() - item.taken_at)
            self._release([item])
        else:
            self._drain.acknowledged(item)

    def _release(self, items: Sequence[Outgoing]) -> None:
        """Let the sources let go of what is safe, and make room for new events."""
        for item in items:
            item.let_go()
        with self._condition:
            self._held_bytes -= sum(item.size for item in items)
            self._held_events -= len(items)

    def _fall_back(self, reason: RetryLater, failed: Sequence[Outgoing] = ()) -> None:
        """Pause, and take back everything that is not on its way: what is in the spool will be read again in order."""
        if self._trouble is None:
            self._log.warning("publishing_interrupted", reason=str(reason))
        self._trouble = str(reason)
        self._resume_at = time.monotonic() + reason.retry_after_s
        self._take_back(failed)

    def _take_back(self, failed: Sequence[Outgoing]) -> None:
        back: list[Outgoing] = []
        lost = set(map(id, failed))
        self._sent = deque(item for item in self._sent if id(item) not in lost and not item.finished)
        for item in (*failed, *self._waiting):
            item.abandon_claim()
            if item.record is None:
                back.append(item)
            else:
                self._drain.put_back(item)
        self._waiting.clear()
        self._delayed = None
        with self._condition:
            self._arrived = deque(sorted((*back, *self._arrived), key=_ORDER))

    def _notice_stall(self) -> None:
        """What takes longer than ``spool_after_s`` is no longer left to memory."""
        now = time.monotonic()
        if self._sent and now - self._sent[0].sent_at > self._limits.spool_after_s:
            if self._trouble is None:
                self._log.warning("publishing_stalled", waited_s=round(now - self._sent[0].sent_at, 1))
            self._trouble = f"no acknowledgement for {self._limits.spool_after_s:g} s"
        if self._delayed is not None and now - self._delayed[1] > self._limits.spool_after_s:
            reason = self._delayed[2]
            self._delayed = None
            self._fall_back(RetryLater(reason))

    def _place_arrivals(self) -> None:
        """Send new events on directly, or behind the others into the spool."""
        backlog = self._drain.has_backlog
        passing = backlog and self._drain.lets_new_pass
        if self._arrived:
            self._drain.new_arrived(time.monotonic())
        if self._trouble is not None or (backlog and not passing):
            self._spool_held()
            if backlog or not self._refused or self._sent or time.monotonic() < self._resume_at:
                return
            # The spool takes nothing and nothing is on its way: what is in memory finds out whether Kafka is back.
        self._refused = False
        self._metrics.spool_full.set(0)
        self._drain.forget_parts()
        while self._arrived:
            if not (passing and self._keep_together(self._arrived[0])):
                self._enter(self._arrived.popleft())

    def _keep_together(self, item: Outgoing) -> bool:
        """Spool the first arrival if another event of its part lies there: a part is not cut in two."""
        if not self._drain.holds_part_of(item.event):
            return False
        numbers = self._spool.append([item.event])
        if numbers:
            self._book_spooled([item], numbers)
        return bool(numbers)

    def _enter(self, item: Outgoing) -> None:
        if item.size > self._inline_limit_bytes and item.event.data:
            item.claim = self._puts.submit(put_payload, item.event, self._payloads)
            item.claim.add_done_callback(lambda _: self._wake())
        self._waiting.append(item)

    def _spool_held(self) -> None:
        """Append everything that is in memory alone to the spool, oldest first, as far as there is room."""
        with self._condition:
            arrived = tuple(self._arrived)
        on_their_way = [item for item in self._sent if item.record is None and not item.finished]
        items = sorted((*on_their_way, *arrived), key=_ORDER)
        spooled = dropped = 0
        while spooled + dropped < len(items):
            rest = items[spooled + dropped :]
            numbers = self._spool.append([item.event for item in rest])
            self._book_spooled(rest[: len(numbers)], numbers)
            spooled += len(numbers)
            if len(numbers) == len(rest):
                break
            if self._policy is not SpoolPolicy.FRESHEST or not self._make_room(rest[len(numbers)]):
                break
            dropped += rest[len(numbers)].finished
        self._refused = spooled + dropped < len(items)
        self._metrics.spool_full.set(float(spooled < len(items)))

    def _book_spooled(self, items: Sequence[Outgoing], numbers: Sequence[int]) -> None:
        for item, number in zip(items, numbers, strict=True):
            item.record = number
            self._metrics.count(item.origin.source, "spooled")
            has_just_come = bool(self._arrived) and self._arrived[0] is item
            if has_just_come:
                self._arrived.popleft()
            self._drain.took(item, is_on_its_way=not has_just_come)
        self._ledgers.spooled(item.origin for item in items)
        self._release(items)

    def _make_room(self, item: Outgoing) -> bool:
        """Drop the oldest spooled events; where there are none, ``item`` itself. False if neither is possible."""
        if self._spool.size_bytes:
            self._give_up(self._spool.drop_oldest(), DropReason.SPOOL_FULL)
            return True
        if not self._arrived or self._arrived[0] is not item:
            return False  # on its way to the broker: it will arrive, or fail and come back
        self._arrived.popleft()
        item.finished = True
        self._book_dropped(item.origin, DropReason.SPOOL_FULL)
        self._release([item])
        return True

    def _expire(self) -> None:
        """Drop what has waited longer than the spool keeps it."""
        while expired := self._spool.drop_expired():
            self._give_up(expired, DropReason.SPOOL_EXPIRED)

    def _give_up(self, records: Sequence[tuple[int, CloudEvent]], reason: DropReason) -> None:
        for number, event in records:
            self._drain.gave_up(number)
            self._book_dropped(origin_of(event), reason)

    def _book_dropped(self, origin: Origin, reason: DropReason) -> None:
        self._ledgers.dropped(origin, reason)
        self._metrics.count(origin.source, f"dropped_{reason}")

    def _refill(self) -> None:
        """Read spooled events back, as many as may be on their way at once."""
        for item in self._drain.follow(in_trouble=self._trouble is not None):
            self._enter(item)

    def _send(self) -> None:
        """Produce what is ready, in order (step 2), once its payload is in the object store (step 1)."""
        now = time.monotonic()
        while self._waiting and now >= self._resume_at:
            item = self._waiting[0]
            if not item.is_ready:
                self._delay(item, now, "the object store takes too long for a put")
                return
            try:
                item.take_claim()
                item.sent_at = now
                self._sender.send(topics.FRAMES, item.origin.line, item.event, self._delivered(item))
            except BrokerUnavailable as error:
                # A full queue or a lagging reader is over in a moment; the spool is for what lasts.
                self._resume_at = now + error.retry_after_s
                self._delay(item, now, str(error))
                return
            except RetryLater as error:
                self._fall_back(error)
                return
            except BadInput as error:
                if len(item.event.data) >= _LEAST_INLINE_BYTES:
                    self._fall_back(self._inline_less(item, error))
                    return
                self._waiting.popleft()
                self._refuse(item, error)
                continue
            self._delayed = None
            self._waiting.popleft()
            self._sent.append(item)
            self._drain.sent(item)

    def _inline_less(self, item: Outgoing, error: BadInput) -> RetryLater:
        """A broker that takes less than the settings say gets claims on what is as large as this one, from now on."""
        size = len(item.event.data)
        if _LEAST_INLINE_BYTES <= size <= self._inline_limit_bytes:
            self._inline_limit_bytes = size - 1
            self._log.warning("broker_takes_less", inline_limit_bytes=size - 1, reason=str(error))
        return RetryLater(str(error), retry_after_s=_TICK_S)

    def _refuse(self, item: Outgoing, error: BadInput) -> None:
        """Drop an event that is too large by its headers, which no claim makes smaller: it would stop all others."""
        self._log.error("event_refused", source=item.origin.source, sequence=item.origin.sequence, reason=str(error))
        item.finished = True
        self._book_dropped(item.origin, DropReason.UNREADABLE)
        if item.record is None:
            self._release([item])
        else:
            self._drain.settled(item)
            self._spool.acknowledge(item.record)

    def _delay(self, item: Outgoing, now: float, reason: str) -> None:
        since = self._delayed[1] if self._delayed is not None and self._delayed[0] is item else now
        self._delayed = (item, since, reason)

    def _delivered(self, item: Outgoing) -> Callable[[Acknowledgement | LinesideError], None]:
        def delivered(result: Acknowledgement | LinesideError) -> None:
            self._results.append((item, result))
            self._wake()

        return delivered
