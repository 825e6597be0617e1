"""Where every frame went: the ledger of all lines, read from SQL (DESIGN §3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, func, select

from storage.database import Database
from storage.event_block import EventBlock
from storage.event_ledger import UNREADABLE_SESSION
from storage.ledger_account import LedgerFigures, LostBudget, SessionAccount, session_account
from storage.schema import broker_losses, event_ledger, source_ledger
from storage.session_ledger import SessionLedger
from wire import topics
from wire.ledger import SpoolState
from wire.sequence_set import SequenceSet


@dataclass(frozen=True)
class SourceAccount:
    """One source with all its sessions, in the order of their names."""

    source: str
    sessions: Sequence[SessionAccount]

    @cached_property
    def figures(self) -> LedgerFigures:
        """Counts over the sessions."""
        return LedgerFigures.sum(session.figures() for session in self.sessions)

    @property
    def spool(self) -> SpoolState | None:
        """What lies in its connector's spool; None where no live session says."""
        return next((each.spool for each in reversed(self.sessions) if each.spool and not each.closed), None)

    def numbers(self, name: str) -> dict[str, str]:
        """The sequence numbers of a set (``gaps``, ``unaccounted``, ...) by session, as text; empty ones left out."""
        return {each.session: str(getattr(each, name)) for each in self.sessions if getattr(each, name)}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the counts, and by session the numbers of what is wrong."""
        named = ("gaps", "waiting", "lost_in_broker", "unaccounted", "unbalanced")
        return {
            "source": self.source,
            **asdict(self.figures),
            "spool": None if self.spool is None else self.spool.model_dump(),
            "sequences": {name: found for name in named if (found := self.numbers(name))},
        }


@dataclass(frozen=True)
class LineAccount:
    """One line: its sources by name, and its messages whose origin could not be read, by reason."""

    line: str
    sources: Sequence[SourceAccount]
    unreadable: Mapping[str, int]

    @cached_property
    def totals(self) -> LedgerFigures:
        """Counts over the sources."""
        return LedgerFigures.sum([*(each.figures for each in self.sources), LedgerFigures(unreadable=self.unreadable)])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "line": self.line,
            "totals": asdict(self.totals),
            "sources": [each.as_dict() for each in self.sources],
        }


@dataclass(frozen=True)
class Ledger:
    """Every line by id."""

    lines: Sequence[LineAccount]

    @cached_property
    def totals(self) -> LedgerFigures:
        """Counts over the lines."""
        return LedgerFigures.sum(each.totals for each in self.lines)

    def line(self, line: str) -> LineAccount | None:
        """The account of one line; None if nothing was heard of it."""
        return next((each for each in self.lines if each.line == line), None)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"totals": asdict(self.totals), "lines": [each.as_dict() for each in self.lines]}


class LedgerStore:
    """Reads the ledger. The cost grows with sessions and holes, not with frames."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def silent_since(self, moment: datetime) -> list[str]:
        """Sources that are not closed and of which no heartbeat that was sent after ``moment`` is stored yet."""
        newest = (
            select(source_ledger.c.line, source_ledger.c.source, func.max(source_ledger.c.sent_at).label("sent_at"))
            .where(source_ledger.c.session != UNREADABLE_SESSION)
            .group_by(source_ledger.c.line, source_ledger.c.source)
            .subquery()
        )
        late = (
            select(newest.c.line, newest.c.source)
            .join(
                source_ledger,
                (source_ledger.c.line == newest.c.line)
                & (source_ledger.c.source == newest.c.source)
                & (source_ledger.c.sent_at == newest.c.sent_at),
            )
            .where(newest.c.sent_at <= moment, source_ledger.c.closed.is_(False))
        )
        with self._database.begin_read() as connection:
            return sorted({f"{row.line}/{row.source}" for row in connection.execute(late)})

    def read(self) -> Ledger:
        """The whole ledger at one moment."""
        with self._database.begin_read() as connection:
            said = _said(connection)
            known = _known(connection)
            losses = _losses(connection)
        lines: dict[str, dict[str, list[SessionAccount]]] = {}
        unreadable: dict[str, list[LedgerFigures]] = {}
        for line, source, session in sorted(said.keys() | known.keys()):
            events = known.get((line, source, session), EventBlock())
            sources = lines.setdefault(line, {})
            if session == UNREADABLE_SESSION:
                counts = {reason: len(numbers) for reason, numbers in events.quarantined.items() if numbers}
                unreadable.setdefault(line, []).append(LedgerFigures(unreadable=counts))
            else:
                heard = said.get((line, source, session), SessionLedger())
                sources.setdefault(source, []).append(session_account(session, heard, events, losses))
        return Ledger(
            [
                LineAccount(
                    line,
                    [SourceAccount(source, sessions) for source, sessions in sources.items()],
                    LedgerFigures.sum(unreadable.get(line, ())).unreadable,
                )
                for line, sources in lines.items()
            ]
        )


_Key = tuple[str, str, str]


def _said(connection: Connection) -> dict[_Key, SessionLedger]:
    rows = connection.execute(select(source_ledger)).mappings()
    return {(row["line"], row["source"], row["session"]): SessionLedger.from_columns(dict(row)) for row in rows}


def _known(connection: Connection) -> dict[_Key, EventBlock]:
    blocks: dict[_Key, list[EventBlock]] = {}
    for row in connection.execute(select(event_ledger).order_by(event_ledger.c.block)).mappings():
        blocks.setdefault((row["line"], row["source"], row["session"]), []).append(EventBlock.from_columns(dict(row)))
    return {key: _merged(parts) for key, parts in blocks.items()}


def _merged(blocks: Sequence[EventBlock]) -> EventBlock:
    reasons = sorted({reason for block in blocks for reason in block.quarantined})
    return EventBlock(
        used=_union(block.used for block in blocks),
        quarantined={
            reason: _union(block.quarantined.get(reason, SequenceSet()) for block in blocks) for reason in reasons
        },
        late=_union(block.late for block in blocks),
        redelivered=sum(block.redelivered for block in blocks),
    )


def _union(sets: Iterable[SequenceSet]) -> SequenceSet:
    return SequenceSet.from_intervals(pair for numbers in sets for pair in numbers.intervals())


def _losses(connection: Connection) -> LostBudget:
    columns = broker_losses.c
    rows = connection.execute(
        select(columns.partition, columns.first_offset, columns.last_offset).where(columns.topic == topics.FRAMES)
    )
    lost: dict[int, list[tuple[int, int]]] = {}
    for row in rows:
        lost.setdefault(row.partition, []).append((row.first_offset, row.last_offset))
    return LostBudget(
        remaining={partition: len(SequenceSet.from_intervals(ranges)) for partition, ranges in lost.items()}
    )
