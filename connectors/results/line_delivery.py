"""The verdicts of one line, in order, to its PLC."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from connectors.errors import SourceUnavailable
from connectors.results.metrics import ResultMetrics
from connectors.results.settings import ResultLine, WriteSettings
from connectors.results.verdict import MISSED, Outcome, VerdictVersion, age_s, is_expired, is_late
from connectors.results.write_journal import Begun, WriteJournal
from connectors.results.write_link import WriteLink
from wire.inspection import Inspection

_BACKOFF_FIRST_S: Final = 0.5
_BACKOFF_LONGEST_S: Final = 15.0
# How often expired verdicts are looked for, and a lost link noticed, while no new ones come.
_LOOK_S: Final = 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class Pending:
    """A verdict that waits; ``decided`` is called once, when nothing more will be done with it."""

    inspection: Inspection
    decided: Callable[[], None] = field(default=lambda: None)


class LineDelivery:
    """Delivers in order; runs in one event loop.

    Of each verdict, in this order: 1 everything but the counter is written, which the PLC does not look at · 2 the
    journal remembers it, on disk, with the counter · 3 the counter is written · 4 the echo is awaited · 5 the journal
    settles it · 6 it is decided. What ends before 2 is done again. What ends between 2 and 5 is compared with the PLC's
    counter by the next link: it arrived, or it did not and is done again; if the counter is neither, never again.
    """

    def __init__(self, line: ResultLine, plc: WriteSettings, journal: WriteJournal, metrics: ResultMetrics) -> None:
        self._line = line
        self._plc = plc
        self._journal = journal
        self._metrics = metrics
        self._waiting: deque[Pending] = deque()
        self._in_doubt = False  # whether the first of those may have reached the PLC
        self._news = asyncio.Event()
        self._log = structlog.get_logger("connectors.results", line=line.line)
        self.trouble: str | None = "not connected yet"
        for outcome in Outcome:
            metrics.results.labels(line.line, outcome.value)

    def submit(self, pending: Pending) -> None:
        """Take a verdict."""
        self._waiting.append(pending)
        self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled; the session is closed then."""
        backoff_s = _BACKOFF_FIRST_S
        while True:
            pause_s = backoff_s
            try:
                link = await WriteLink.open(self._plc, self._line.line)
                try:
                    backoff_s = _BACKOFF_FIRST_S
                    self._tell(None)
                    await self._deliver(link)
                finally:
                    await link.close()
            except SourceUnavailable as error:
                self._tell(str(error))
                pause_s = max(pause_s, error.retry_after_s if error.retry_after_s > 1.0 else 0.0)
            await self._pause(pause_s * random.uniform(0.5, 1.0))
            backoff_s = min(backoff_s * 2, _BACKOFF_LONGEST_S)

    def _tell(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            log = self._log.info if trouble is None else self._log.warning
            log("plc", endpoint=self._plc.endpoint, trouble=trouble)
        self.trouble = trouble
        self._metrics.connected.labels(self._line.line).set(float(trouble is None))

    async def _pause(self, seconds: float) -> None:
        """Wait for the next attempt, and meanwhile let go of what is too old."""
        until = asyncio.get_running_loop().time() + seconds
        while (left := until - asyncio.get_running_loop().time()) > 0:
            self._expire()
            await asyncio.sleep(min(left, _LOOK_S))

    def _expire(self) -> None:
        now = datetime.now(UTC)
        while self._waiting and is_expired(self._waiting[0].inspection, self._line, now):
            if self._in_doubt:
                self._journal.settle(VerdictVersion.of(self._waiting[0].inspection))
            outcome = Outcome.UNCERTAIN if self._in_doubt else Outcome.EXPIRED
            self._in_doubt = False
            self._decide(self._waiting.popleft(), outcome, late=True)
        self._metrics.waiting.labels(self._line.line).set(len(self._waiting))

    async def _deliver(self, link: WriteLink) -> None:
        await self._clear_up(link)
        while True:
            self._expire()
            if not link.is_alive:
                raise SourceUnavailable("the link was lost")
            if not self._waiting:
                self._news.clear()
                await _wait(self._news, _LOOK_S)
                continue
            await self._write(link, self._waiting[0])

    async def _write(self, link: WriteLink, pending: Pending) -> None:
        """Deliver the first of those that wait; it stays the first if the link is lost before the PLC could see it."""
        inspection, version = pending.inspection, VerdictVersion.of(pending.inspection)
        late = is_late(inspection, self._line, datetime.now(UTC))
        begun = Begun(
            version=version,
            line=self._line.line,
            part_id=inspection.part_id or "",
            counter_before=link.counter,
            counter=link.next_counter,
        )
        if not await link.put_down(inspection, late=late):
            outcome = Outcome.REFUSED
        elif not self._journal.begin(begun):
            outcome = Outcome.REPEATED
        else:
            self._in_doubt = True
            outcome = await link.signal(begun.part_id)
            self._in_doubt = False
            self._journal.settle(version)
        self._waiting.popleft()
        self._decide(pending, outcome, late=late)

    async def _clear_up(self, link: WriteLink) -> None:
        """Ask the PLC's counter what became of writes during which a link, or a writer, was lost."""
        for begun in self._journal.unsettled(self._line.line):
            if link.counter == begun.counter_before:
                self._journal.forget(begun.version)  # it is written again: now, or when Kafka brings it again
                outcome = None
            elif link.counter == begun.counter:
                outcome = await link.echoed(begun.part_id)
                self._journal.settle(begun.version)
            else:
                outcome = Outcome.UNCERTAIN
                self._journal.settle(begun.version)
            self._log.warning(
                "write_in_doubt", part_id=begun.part_id, result=str(begun.version.result_id),
                arrived={None: "no", Outcome.UNCERTAIN: "unknown"}.get(outcome, "yes"),
            )  # fmt: skip
            if outcome is not None:
                self._close_doubt(begun, outcome)
        self._in_doubt = False

    def _close_doubt(self, begun: Begun, outcome: Outcome) -> None:
        """Decide about one that is known now; after a restart Kafka brings it again, and it is a repeated one then."""
        first = self._waiting[0] if self._waiting and self._in_doubt else None
        if first is not None and VerdictVersion.of(first.inspection) == begun.version:
            self._waiting.popleft()
            self._decide(first, outcome, late=is_late(first.inspection, self._line, datetime.now(UTC)))
            return
        self._metrics.results.labels(self._line.line, outcome.value).inc()
        if outcome in MISSED:
            self._metrics.missed.labels(self._line.line).inc()

    def _decide(self, pending: Pending, outcome: Outcome, *, late: bool) -> None:
        name, inspection = self._line.line, pending.inspection
        seconds = age_s(inspection, datetime.now(UTC))
        self._metrics.results.labels(name, outcome.value).inc()
        if outcome is not Outcome.REPEATED:
            late = late or seconds > self._line.deadline_s
            self._metrics.seconds.labels(name).observe(max(0.0, seconds))
            if late and outcome not in MISSED:
                self._metrics.late.labels(name).inc()
            if late or outcome in MISSED:
                self._metrics.missed.labels(name).inc()
                self._log.warning(
                    "verdict_missed", part_id=inspection.part_id, outcome=outcome.value, seconds=round(seconds, 3)
                )
        pending.decided()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
