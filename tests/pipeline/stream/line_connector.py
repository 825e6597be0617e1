"""A connector's publisher, ledger and heartbeats in the test's process, with the events of some parts to capture."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from connectors.captured import Captured
from connectors.errors import PublisherFull
from connectors.heartbeat import HeartbeatSender
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.publisher import Publisher, PublisherLimits
from connectors.source_ledger import SourceLedgers
from connectors.spool import Spool, SpoolPolicy
from tests.components.waiting import wait_until
from wire.cloudevents import CloudEvent
from wire.frame import origin_of
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings
from wire.payload_store import PayloadStore


class LineConnector:
    """Captures what a test gives it."""

    def __init__(self, folder: Path, broker: KafkaSettings, payloads: PayloadStore, *, inline_limit_bytes: int) -> None:
        self.ledgers = SourceLedgers()
        self._sender = KafkaSender(broker, folder.name)
        self._spool = Spool(folder, max_bytes=64 * 1024 * 1024)
        self._publisher = Publisher(
            sender=self._sender,
            payloads=payloads,
            spool=self._spool,
            ledgers=self.ledgers,
            metrics=ConnectorMetrics(new_registry()),
            inline_limit_bytes=inline_limit_bytes,
            policy=SpoolPolicy.EVERY_FRAME,
            limits=PublisherLimits(spool_after_s=0.2),
        )
        self._heartbeats = HeartbeatSender(self._sender, self.ledgers)
        self._publisher.start()

    def capture(self, events: Sequence[CloudEvent]) -> None:
        """Hand events over in order, waiting where the publisher is full."""
        for event in events:
            wait_until(lambda event=event: self._submits(event), 20, "the publisher to take an event")

    def _submits(self, event: CloudEvent) -> bool:
        with suppress(PublisherFull):
            self._publisher.submit(Captured(origin=origin_of(event), event=event))
            return True
        return False

    def beat(self) -> None:
        self._heartbeats.beat()

    @property
    def spooled(self) -> int:
        return sum(len(session.ledger.spooled) for session in self.ledgers.snapshot())

    @property
    def captured(self) -> int:
        return sum(len(session.ledger.captured) for session in self.ledgers.snapshot())

    @property
    def published(self) -> int:
        return sum(len(session.ledger.published) for session in self.ledgers.snapshot())

    def close(self) -> None:
        self._publisher.close(1.0)
        self._sender.close(1.0)
        self._spool.close()
