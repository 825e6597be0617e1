"""What the store writes in one transaction, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wire.inspection import Inspection, Report
from wire.ledger import BrokerLoss, Disposition, Heartbeat


@dataclass(frozen=True, kw_only=True)
class ResultBatch:
    """Messages of ``lineside.results`` and ``lineside.reports`` in any order; repetitions are allowed.

    ``documents``: the JSON that each of ``inspections`` was read from, in the same order; stored as it came, it keeps
    fields that this version does not know, and need not be written anew. Left out: ``Inspection.to_json``.
    """

    inspections: Sequence[Inspection] = ()
    documents: Sequence[bytes] = ()
    reports: Sequence[Report] = ()
    dispositions: Sequence[Disposition] = ()
    heartbeats: Sequence[Heartbeat] = ()
    losses: Sequence[BrokerLoss] = ()

    def __post_init__(self) -> None:
        if self.documents and len(self.documents) != len(self.inspections):
            raise ValueError(f"{len(self.inspections)} inspections with {len(self.documents)} documents")


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
