"""What the store writes in one transaction, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wire.inspection import Inspection, Report
from wire.ledger import BrokerLoss, Disposition, Heartbeat


@dataclass(frozen=True, kw_only=True)
class ResultBatch:
    """Messages of ``lineside.results`` and ``lineside.reports`` in any order; repetitions are allowed."""

    inspections: Sequence[Inspection] = ()
    reports: Sequence[Report] = ()
    dispositions: Sequence[Disposition] = ()
    heartbeats: Sequence[Heartbeat] = ()
    losses: Sequence[BrokerLoss] = ()


@dataclass(frozen=True, kw_only=True)
class WriteCounts:
    """What one batch changed; ``inserted`` + ``replaced`` + ``redelivered`` = inspections of the batch.

    ``inserted``: parts that have a row only now, in the batch's order. ``replaced``: results that took the place of a
    stored one because they judged more modalities. ``redelivered``: results that changed nothing, in all and by line.
    ``reports``: reports stored, or replaced by a newer one. ``dispositions``: events that had no outcome before.
    ``stored_at``: when the batch was committed.
    """

    inserted: Sequence[Inspection]
    replaced: int
    redelivered: int
    redelivered_by_line: Mapping[str, int]
    reports: int
    dispositions: int
    stored_at: datetime
