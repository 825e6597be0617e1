"""One connector process: sources in threads, the publisher, heartbeats, and an orderly end."""

import threading
import time
from collections.abc import Sequence
from typing import Final

import structlog

from connectors.heartbeat import HeartbeatSender
from connectors.publisher import Publisher
from connectors.source import Source
from wire.errors import MustStop
from wire.event_sender import EventSender

# How soon a publisher that failed is noticed.
_LOOK_S: Final = 0.5
# Together below the 5 s in which a connector ends after SIGTERM; an orchestrator kills after 10 s and more.
_SOURCES_STOP_S: Final = 1.5
_PUBLISHER_STOP_S: Final = 1.5
_SENDER_STOP_S: Final = 1.0


class Supervisor:
    """Runs sources until told to stop. Anything unforeseen in one of them ends the process, loudly.

    The end, in this order: 1 the sources stop capturing; 2 what is held is published or spooled; 3 a last heartbeat
    closes each session; 4 the sender is flushed. At most 5 s together.
    """

    def __init__(
        self,
        *,
        sources: Sequence[Source],
        publisher: Publisher,
        heartbeat: HeartbeatSender,
        sender: EventSender,
        heartbeat_s: float,
    ) -> None:
        self._sources = tuple(sources)
        self._publisher = publisher
        self._heartbeat = heartbeat
        self._sender = sender
        self._heartbeat_s = heartbeat_s
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._threads = [
            threading.Thread(target=self._run_source, args=(source,), name=source.name, daemon=True)
            for source in self._sources
        ]
        self._log = structlog.get_logger("connectors.supervisor")

    def stop(self) -> None:
        """Begin the orderly end; may be called from a signal handler."""
        self._stop.set()

    def live(self) -> str | None:
        """Why this process should be restarted; None while it works."""
        if self._publisher.failure is not None:
            return f"the publisher ended: {self._publisher.failure}"
        dead = [thread.name for thread in self._threads if thread.ident is not None and not thread.is_alive()]
        return f"no longer running: {', '.join(dead)}" if dead else None

    def ready(self) -> str | None:
        """Why frames do not reach Kafka just now; None while they do."""
        troubles = [f"{source.name}: {source.trouble}" for source in self._sources if source.trouble is not None]
        if self._publisher.trouble is not None:
            troubles.append(f"publisher: {self._publisher.trouble}")
        return "; ".join(troubles) or None

    def run(self) -> None:
        """Run until ``stop`` is called. MustStop if a source or the publisher failed."""
        self._publisher.start()
        for thread in self._threads:
            thread.start()
        due = time.monotonic() + self._heartbeat_s
        while not self._stop.wait(min(_LOOK_S, max(0.0, due - time.monotonic()))):
            if self._publisher.failure is not None:
                self._failure = self._failure or self._publisher.failure
                break
            if time.monotonic() >= due:
                self._beat()
                due = max(due + self._heartbeat_s, time.monotonic())
        self._stop.set()
        self._end()
        if self._failure is not None:
            raise MustStop(f"{type(self._failure).__name__}: {self._failure}") from self._failure

    def _beat(self, *, closing: bool = False) -> None:
        """Send heartbeats; a sender that gave up for ever ends the process, in order like everything else.

        None while ledgers are incomplete, because they would call missing what waits in the spool.
        """
        if self._publisher.is_recovering:
            return
        try:
            self._heartbeat.beat(closing=closing)
        except MustStop as error:
            self._failure = self._failure or error
            self._stop.set()

    def _run_source(self, source: Source) -> None:
        try:
            source.run(self._publisher.submit, self._stop)
        except Exception as error:  # a supervisor's own business: name it, then end the process in order
            self._log.exception("source_failed", source=source.name)
            self._failure = self._failure or error
            self._stop.set()

    def _end(self) -> None:
        begun = time.monotonic()
        for thread in self._threads:
            thread.join(max(0.0, begun + _SOURCES_STOP_S - time.monotonic()))
        left = self._publisher.close(_PUBLISHER_STOP_S)
        if left:
            self._log.error("events_neither_published_nor_spooled", events=left)
        self._beat(closing=True)
        given_up = self._sender.close(_SENDER_STOP_S)
        self._log.info("stopped", seconds=round(time.monotonic() - begun, 2), given_up=given_up)
