"""Recording what became of each event (table ``event_ledger``)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

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


@dataclass(kw_only=True)
class _Deliveries:
    """What a batch says of one block."""

    used: list[int] = field(default_factory=list)
    unused: list[tuple[int, Outcome, str]] = field(default_factory=list)


def record_outcomes(
    connection: Connection,
    inspections: Iterable[Inspection],
    dispositions: Sequence[Disposition],
    heard_at: datetime,
) -> int:
    """Merge what became of events: each one that a result names was used, the others are in ``dispositions``.

    Returns how many dispositions were the first that was heard of their event.
    """
    blocks: dict[Key, _Deliveries] = {}
    for key, sequences in _used(inspections).items():
        if min(sequences) // BLOCK_SIZE == max(sequences) // BLOCK_SIZE:
            _block_of(blocks, key, sequences[0]).used.extend(sequences)
        else:
            for sequence in sequences:
                _block_of(blocks, key, sequence).used.append(sequence)
    for disposition in dispositions:
        _add(blocks, disposition)
    if not blocks:
        return 0
    rows = lock_rows(connection, event_ledger, blocks, {"heard_at": heard_at})
    first, changed = 0, {}
    for key, row in rows.items():
        block = EventBlock.from_columns(row)
        block.record_used(blocks[key].used)
        first += sum(block.record_unused(*delivery) for delivery in blocks[key].unused)
        changed[key] = {**block.to_columns(), "heard_at": heard_at}
    write_back(connection, event_ledger, changed)
    return first


def _used(inspections: Iterable[Inspection]) -> dict[tuple[str, str, str], list[int]]:
    # The inner loop of the sink: nothing is built per event but its number.
    sequences: dict[tuple[str, str, str], list[int]] = {}
    for inspection in inspections:
        line = inspection.line
        for event in inspection.events:
            key = (line, event.source, event.session)
            if key in sequences:
                sequences[key].append(event.sequence)
            else:
                sequences[key] = [event.sequence]
    return sequences


def _add(blocks: dict[Key, _Deliveries], disposition: Disposition) -> None:
    event = disposition.event
    if event is None:
        key, sequence = (f"{disposition.topic}/{disposition.partition}", UNREADABLE_SESSION), disposition.offset
    else:
        key, sequence = (event.source, event.session), event.sequence
    block = _block_of(blocks, (disposition.line, *key), sequence)
    if disposition.outcome is Outcome.USED:
        block.used.append(sequence)
    else:
        block.unused.append((sequence, disposition.outcome, clean_text(disposition.reason)))


def _block_of(blocks: dict[Key, _Deliveries], key: tuple[str, str, str], sequence: int) -> _Deliveries:
    line, source, session = key
    return blocks.setdefault((line, clean_text(source), clean_text(session), sequence // BLOCK_SIZE), _Deliveries())
