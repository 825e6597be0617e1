"""One PLC as a source: keeps the link, and hands complete parts to the publisher."""

import asyncio
import logging
import random
import threading
from collections import deque
from collections.abc import Collection
from typing import Final

import structlog

from connectors.captured import Captured
from connectors.errors import PublisherFull, SourceUnavailable
from connectors.metrics import ConnectorMetrics
from connectors.opcua.client import LinkHandler, LinkState, PlcLink
from connectors.opcua.settings import OpcUaSettings
from connectors.opcua.tag import Tag
from connectors.opcua.tag_history import Sample
from connectors.opcua.value_mapping import Due, PlcMapping
from connectors.source import Submit
from connectors.source_ledger import SourceLedgers
from wire.ledger import DropReason

# How often complete parts are looked for and a stop is noticed: adds half of it to a context's latency.
_TICK_S: Final = 0.025
# Half a second, doubled up to 15 s, with jitter, so that the connectors of a plant do not all come at once when its
# server is back.
_BACKOFF_FIRST_S: Final = 0.5
_BACKOFF_LONGEST_S: Final = 15.0
# Events that a full publisher refused: beyond, values wait in the client's queue, and then in the server's.
_OUTBOX_EVENTS: Final = 1000


class OpcUaSource:
    """Runs one subscription: a ``Source``.

    May repeat after a restart (the event ids do not change; within a process a part is told once). May lose values
    while the link is down beyond the server's queue: lost parts are holes in the sequence, windows say ``has_gap``.
    Times are the PLC's. The session is closed when ``run`` returns.
    """

    def __init__(self, settings: OpcUaSettings, *, ledgers: SourceLedgers, metrics: ConnectorMetrics) -> None:
        self._settings = settings
        self._ledgers = ledgers
        self._metrics = metrics
        self._mapping = PlcMapping(settings)
        self._outbox: deque[Captured] = deque()
        self._room = asyncio.Event()
        self._room.set()
        self._state = LinkState.OFFLINE
        self._reason = "not connected yet"
        self._figures = metrics.opcua.of(self.name, [state.value for state in LinkState])
        self._log = structlog.get_logger("connectors.opcua", source=self.name, endpoint=settings.endpoint)

    @property
    def name(self) -> str:
        """The source of the part contexts."""
        return self._settings.source_name

    @property
    def trouble(self) -> str | None:
        """Why no parts come; None while subscribed."""
        return None if self._state is LinkState.SUBSCRIBED else f"{self._state.value}: {self._reason}"

    def run(self, submit: Submit, stop: threading.Event) -> None:
        """Stay connected until ``stop`` is set; then close the session and submit what is there of the last parts."""
        # At INFO asyncua logs every publish response in full.
        logging.getLogger("asyncua").setLevel(logging.WARNING)
        asyncio.run(self._run(submit, stop))

    async def _run(self, submit: Submit, stop: threading.Event) -> None:
        linked = asyncio.create_task(self._keep_linked())
        try:
            while not stop.is_set() and not linked.done():
                self._tell_due(submit)
                await asyncio.sleep(_TICK_S)
        finally:
            linked.cancel()
            await asyncio.wait([linked])
        self._tell_due(submit, ending=True)
        if self._outbox:
            self._log.error("events_not_taken", events=len(self._outbox))
        self._enter(LinkState.CLOSED, "stopped")
        if not linked.cancelled():
            linked.result()

    async def _keep_linked(self) -> None:
        handler = LinkHandler(
            value=self._take,
            gap=self._gap,
            state=self._enter,
            room=self._wait_for_room,
            server_status=self._figures.server_status,
            certificate=self._figures.certificate_expires,
        )
        backoff_s = pause_s = _BACKOFF_FIRST_S
        while True:
            try:
                await PlcLink(self._settings, handler).follow()
            except SourceUnavailable as error:
                if self._state in (LinkState.SUBSCRIBED, LinkState.RECONNECTING):
                    backoff_s = _BACKOFF_FIRST_S
                self._mapping.link_lost()
                self._enter(LinkState.OFFLINE, str(error))
                # What the server asked for, or what grows by itself: whichever is longer.
                pause_s = max(backoff_s, error.retry_after_s if error.retry_after_s > 1.0 else 0.0)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            backoff_s = min(backoff_s * 2, _BACKOFF_LONGEST_S)

    def _gap(self, tags: Collection[Tag]) -> None:
        self._figures.gap()
        self._mapping.link_lost([tag.name for tag in tags if tag.kind == "sensor"])

    def _enter(self, state: LinkState, reason: str) -> None:
        if (state, reason) != (self._state, self._reason):
            log = self._log.warning if state in (LinkState.OFFLINE, LinkState.RECONNECTING) else self._log.info
            log("link", state=state.value, reason=reason)
        self._state, self._reason = state, reason
        self._figures.state(state.value, subscribed=state is LinkState.SUBSCRIBED)

    async def _wait_for_room(self) -> None:
        if len(self._outbox) >= _OUTBOX_EVENTS:
            self._room.clear()
        await self._room.wait()

    def _take(self, tag: Tag, sample: Sample) -> None:
        self._figures.value(sample.status)
        if sample.follows_loss:
            self._figures.gap()
        now_s = asyncio.get_running_loop().time()
        if tag.kind == "context":
            self._mapping.context_value(tag.name, sample, now_s=now_s)
        else:
            self._mapping.sensor_value(tag.name, sample, now_s=now_s)

    def _tell_due(self, submit: Submit, *, ending: bool = False) -> None:
        self._collect(self._mapping.due(asyncio.get_running_loop().time(), ending=ending))
        while self._outbox:
            try:
                submit(self._outbox[0])
            except PublisherFull:
                return  # the next tick tries again
            self._outbox.popleft()
        self._room.set()

    def _collect(self, due: Due) -> None:
        for unusable in due.unusable:
            self._log.error("part_without_context", reason=unusable.message)
            if unusable.origin is not None:
                self._ledgers.captured(unusable.origin)
                self._ledgers.dropped(unusable.origin, DropReason.UNREADABLE)
                self._metrics.count(self.name, f"dropped_{DropReason.UNREADABLE}")
        self._outbox.extend(Captured.of_context(context) for context in due.contexts)
        self._outbox.extend(Captured.of_frame(window) for window in due.windows)
