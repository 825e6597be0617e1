"""The ledger as a person reads it: one row per source, the numbers of what is wrong below."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from storage.ledger import Ledger, SourceAccount
from storage.ledger_account import LedgerFigures

_COLUMNS = ("captured", "published", "spooled", "used", "quarantined", "late", "waiting", "dropped", "gaps",
            "redelivered", "unaccounted")  # fmt: skip


def ledger_table(ledger: Ledger) -> Table:
    """A row per source, a total per line."""
    table = Table("line", "source", *_COLUMNS, title="Ledger: what became of every frame")
    for column in table.columns[2:]:
        column.justify = "right"
    for line in ledger.lines:
        for source in line.sources:
            table.add_row(line.line, source.source.removeprefix(f"{line.line}/"), *_cells(source.figures))
        table.add_row("", "total", *_cells(line.totals), style="bold", end_section=True)
    return table


def ledger_verdict(ledger: Ledger) -> Text:
    """Whether it adds up, and by number what does not."""
    if not ledger.lines:
        return Text("nothing was captured yet")
    totals = ledger.totals
    if totals.adds_up:
        verdict = Text(f"The ledger adds up: {totals.captured} captured, 0 unaccounted for.", style="green")
    else:
        verdict = Text(f"{totals.unaccounted} unaccounted for, {totals.unbalanced} unbalanced.", style="red")
    if totals.lost_in_broker:
        verdict.append(f"\n{totals.lost_in_broker} were lost in the broker before they could be read", style="red")
    for reason, count in totals.unreadable.items():
        verdict.append(
            f"\n{count} messages have no readable origin ({reason}); see `lineside dlq list`", style="yellow"
        )
    for line in ledger.lines:
        for source in line.sources:
            for text in (*_spooled(source), *_named(source)):
                verdict.append(f"\n{text}", style="yellow")
    return verdict


def _cells(figures: LedgerFigures) -> list[str]:
    return [
        _count(figures.captured),
        _count(figures.published),
        _count(figures.spooled + figures.in_flight),
        _count(figures.used),
        _by_reason(figures.quarantined),
        _count(figures.late),
        _count(figures.waiting),
        _by_reason(figures.dropped),
        _count(figures.gap),
        _count(figures.redelivered),
        _count(figures.unaccounted),
    ]


def _count(number: int) -> str:
    return str(number) if number else "·"


def _by_reason(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "·"


def _spooled(source: SourceAccount) -> list[str]:
    """What waits on its connector's disk, and for how long."""
    spool = source.spool
    if spool is None or not source.figures.spooled:
        return []
    size, limit = spool.size_bytes / 1e6, spool.limit_bytes / 1e6
    return [
        f"{source.source}: {source.figures.spooled} spooled; its connector's spool holds {size:.4g} of {limit:.4g} MB, "
        f"the oldest for {spool.oldest_s:.0f} s"
    ]


def _named(source: SourceAccount) -> list[str]:
    """``line/camera1: gaps 4-5 (session …)`` for everything that a person may have to look into."""
    return [
        f"{source.source}: {name} {numbers} (session {session})"
        for name in ("unaccounted", "unbalanced", "lost_in_broker", "gaps")
        for session, numbers in source.numbers(name).items()
    ]
