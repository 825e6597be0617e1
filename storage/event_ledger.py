"""Recording what became of each event (table ``event_ledger``)."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from storage.bulk_insert import clean_text
from storage.event_block import BLOCK_SIZE, EventBlock
from storage.locked_rows import Key, lock_rows, write_back
from storage.schema import event_ledger
from wire.inspection import Inspection
from wire.ledger import Disposition, Outcome

# Session of messages whose origin could not be read: their "source" is the topic's partition, their number the offset.
# No real source has an empty session.
UNREADABLE_SESSION = ""


class Delivery(NamedTuple):
    """One delivery of one event, with what became of it."""

    line: str
    source: str
    session: str
    sequence: int
    outcome: Outcome
    reason: str


def used_events(inspections: Iterable[Inspection]) -> list[Delivery]:
    """The deliveries that the results name: each event of each of them was used."""
    return [
        Delivery(inspection.line, clean_text(event.source), clean_text(event.session), event.sequence, Outcome.USED, "")
        for inspection in inspections
        for event in inspection.events
    ]


def disposed_events(dispositions: Iterable[Disposition]) -> list[Delivery]:
    """The deliveries that no result carries."""
    return [_delivery(disposition) for disposition in dispositions]


def record_deliveries(connection: Connection, deliveries: Iterable[Delivery], heard_at: datetime) -> list[Delivery]:
    """Merge ``deliveries`` into the ledger; returns the ones that were the first of their event."""
    by_block: dict[Key, list[Delivery]] = {}
    for each in deliveries:
        by_block.setdefault((each.line, each.source, each.session, each.sequence // BLOCK_SIZE), []).append(each)
    if not by_block:
        return []
    rows = lock_rows(connection, event_ledger, by_block, {"heard_at": heard_at})
    blocks = {key: EventBlock.from_columns(row) for key, row in rows.items()}
    first = [
        each
        for key, block in blocks.items()
        for each in by_block[key]
        if block.record(each.sequence, each.outcome, each.reason)
    ]
    write_back(
        connection, event_ledger, {key: {**block.to_columns(), "heard_at": heard_at} for key, block in blocks.items()}
    )
    return first


def _delivery(disposition: Disposition) -> Delivery:
    event = disposition.event
    return Delivery(
        disposition.line,
        f"{disposition.topic}/{disposition.partition}" if event is None else clean_text(event.source),
        UNREADABLE_SESSION if event is None else clean_text(event.session),
        disposition.offset if event is None else event.sequence,
        disposition.outcome,
        clean_text(disposition.reason),
    )
