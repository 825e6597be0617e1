"""What inspect says on ``lineside.results`` about events that are part of no result."""

from datetime import UTC, datetime

from stream.metrics.inspect import InspectMetrics
from stream.outbox import Outbox
from stream.steps.consumed import ConsumedRecord
from stream.steps.offset_holes import OffsetHole
from wire import topics
from wire.errors import BadInput
from wire.ledger import BrokerLoss, Disposition, EventReference, Outcome


class EventOutcomes:
    """Each call returns when the broker has it; BrokerUnavailable when the outbox's patience ends."""

    def __init__(self, outbox: Outbox, metrics: InspectMetrics) -> None:
        self._outbox = outbox
        self._metrics = metrics

    async def quarantine(
        self, record: ConsumedRecord, line: str, event: EventReference | None, failure: BadInput
    ) -> None:
        """The record to the dead letter queue byte for byte, then its disposition."""
        await self._outbox.quarantine(record, failure)
        await self._dispose(record, line, event, Outcome.QUARANTINED, failure.reason)
        self._metrics.dead_letters.labels(failure.reason).inc()

    async def late(self, record: ConsumedRecord, line: str, event: EventReference) -> None:
        """The event came after its part was judged."""
        await self._dispose(record, line, event, Outcome.LATE)

    async def lost(self, record: ConsumedRecord, line: str, hole: OffsetHole) -> None:
        """The broker dropped these offsets, which lie in front of ``record``."""
        loss = BrokerLoss(
            line=line,
            topic=record.topic,
            partition=record.partition,
            first_offset=hole.first,
            last_offset=hole.last,
            noticed_at=datetime.now(UTC),
        )
        await self._outbox.put(topics.RESULTS, line, loss.to_event())
        self._metrics.lost.inc(hole.last - hole.first + 1)

    async def _dispose(
        self, record: ConsumedRecord, line: str, event: EventReference | None, outcome: Outcome, reason: str = ""
    ) -> None:
        disposition = Disposition(
            line=line,
            event=event,
            outcome=outcome,
            reason=reason,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            decided_at=datetime.now(UTC),
        )
        await self._outbox.put(topics.RESULTS, line, disposition.to_event())
        modality = (event.modality if event else None) or "none"
        self._metrics.frames.labels(line, modality, outcome.value).inc()
