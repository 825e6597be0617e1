"""The result writer as a process: reads results from Kafka, delivers each to its line's PLC and vision system."""

import asyncio
import queue
import signal
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import structlog

from connectors.results.line_delivery import LineDelivery, Pending
from connectors.results.metrics import ResultMetrics
from connectors.results.settings import ResultLine, ResultsSettings
from connectors.results.verdict import is_expired, is_late
from connectors.results.vision_system import VisionSystem
from connectors.results.write_journal import WriteJournal
from wire import topics
from wire.cloudevents import from_kafka
from wire.errors import DecodeError, MustStop, RetryLater
from wire.inspection import Inspection
from wire.kafka.group_reader import GroupReader
from wire.kafka.reader import RawRecord
from wire.telemetry import TelemetryServer

_POLL_S: Final = 0.1
# Verdicts expire within a minute or so; ten thousand of them are more parts than any line makes in that time.
_HELD_AT_MOST: Final = 10_000
_READER_STOP_S: Final = 3.0


class ResultWriter:
    """One process. ``run`` returns after SIGTERM or SIGINT; MustStop if something failed for good."""

    def __init__(self, settings: ResultsSettings, metrics: ResultMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._lines = {line.line: line for line in settings.lines}
        self._deliveries: Mapping[str, LineDelivery] = {}
        self._vision: VisionSystem | None = None
        self._vision_queue: asyncio.Queue[Inspection] = asyncio.Queue()
        self._stopping = asyncio.Event()
        self._stop = threading.Event()  # the reader's
        self._done: queue.SimpleQueue[RawRecord] = queue.SimpleQueue()
        self._held = 0
        self._reader_trouble: str | None = "not assigned yet"
        self._failure: Exception | None = None
        self._log = structlog.get_logger("connectors.results")

    def run(self) -> None:
        """Deliver until told to stop."""
        journal = WriteJournal(self._settings.journal)
        try:
            asyncio.run(self._run(journal))
        finally:
            journal.close()
        if self._failure is not None:
            raise MustStop(f"{type(self._failure).__name__}: {self._failure}") from self._failure

    async def _run(self, journal: WriteJournal) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        self._deliveries = {
            name: LineDelivery(line, line.plc, journal, self._metrics)
            for name, line in self._lines.items()
            if line.plc is not None
        }
        if self._settings.vision_system is not None:
            self._vision = VisionSystem(self._settings.vision_system, list(self._lines))
            await self._vision.start()
        telemetry = TelemetryServer(
            self._metrics.registry,
            host=self._settings.telemetry.host,
            port=self._settings.telemetry.port,
            live=lambda: None if reader.is_alive() else "the reader ended",
            ready=self._trouble,
        )
        reader = threading.Thread(target=self._read, args=(loop,), name="results-reader", daemon=True)
        reader.start()
        self._log.info("started", lines=list(self._lines), telemetry=telemetry.url)
        try:
            await self._work()
        finally:
            self._stop.set()
            await asyncio.to_thread(reader.join, _READER_STOP_S)
            if self._vision is not None:
                await self._vision.stop()
            telemetry.close()
            self._log.info("stopped")

    def _trouble(self) -> str | None:
        """Why verdicts do not reach their receivers just now."""
        troubles = [f"{name}: {one.trouble}" for name, one in self._deliveries.items() if one.trouble is not None]
        if self._reader_trouble is not None:
            troubles.append(f"kafka: {self._reader_trouble}")
        return "; ".join(troubles) or None

    async def _work(self) -> None:
        """Run all deliveries; what ends, ends the process."""
        tasks: list[asyncio.Task[object]] = [asyncio.create_task(self._stopping.wait())]
        tasks += [asyncio.create_task(one.run()) for one in self._deliveries.values()]
        if self._vision is not None:
            tasks.append(asyncio.create_task(self._raise_events(self._vision)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        failures = [one for one in ended if isinstance(one, Exception)]
        self._failure = self._failure or (failures[0] if failures else None)

    async def _raise_events(self, vision: VisionSystem) -> None:
        while True:
            inspection = await self._vision_queue.get()
            await vision.ready(inspection, late=is_late(inspection, self._lines[inspection.line], datetime.now(UTC)))
            self._metrics.events.labels(inspection.line).inc()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read and commit, in a thread of its own."""
        try:
            reader = GroupReader(self._settings.broker, topic=topics.RESULTS, group=self._settings.group)
            try:
                while not self._stop.is_set():
                    self._step(reader, loop)
                self._commit(reader)
            finally:
                reader.close()
        except Exception as error:  # a thread's own end: it ends the process, in order
            self._log.exception("reader_failed")
            self._failure = self._failure or error
            loop.call_soon_threadsafe(self._stopping.set)

    def _step(self, reader: GroupReader, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._commit(reader)
            if self._held >= _HELD_AT_MOST:
                self._stop.wait(_POLL_S)
                return
            record = reader.poll(_POLL_S)
        except RetryLater as error:
            self._reader_trouble = str(error)
            self._stop.wait(error.retry_after_s)
            return
        self._reader_trouble = None if reader.is_assigned else "no partition assigned"
        if record is None:
            return
        inspection = self._result_of(record)
        if inspection is None:
            reader.done(record)
            return
        self._held += 1
        loop.call_soon_threadsafe(self._dispatch, record, inspection)

    def _commit(self, reader: GroupReader) -> None:
        while True:
            try:
                record = self._done.get_nowait()
            except queue.Empty:
                return
            self._held -= 1
            reader.done(record)

    def _result_of(self, record: RawRecord) -> Inspection | None:
        """The result of a line that is ours, else None. What cannot be read is the store's to quarantine."""
        if record.key is not None and record.key.decode(errors="replace") not in self._lines:
            return None
        try:
            event = from_kafka(record.headers, record.value)
            if event.type != topics.INSPECTION_RESULT:
                return None
            inspection = Inspection.from_json(event.data)
        except DecodeError as error:
            self._metrics.unreadable.inc()
            self._log.error("unreadable", offset=record.offset, partition=record.partition, reason=str(error))
            return None
        return inspection if inspection.line in self._lines else None

    def _dispatch(self, record: RawRecord, inspection: Inspection) -> None:
        line = self._lines[inspection.line]
        if self._vision is not None and not self._outdated(inspection, line):
            self._vision_queue.put_nowait(inspection)
        delivery = self._deliveries.get(inspection.line)
        if delivery is None:
            self._done.put(record)
            return
        delivery.submit(Pending(inspection=inspection, decided=lambda: self._done.put(record)))

    @staticmethod
    def _outdated(inspection: Inspection, line: ResultLine) -> bool:
        """Whether the event would speak of a part that nobody waits for: a backlog that is read after an outage."""
        return is_expired(inspection, line, datetime.now(UTC))
