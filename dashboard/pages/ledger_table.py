"""The ledger as tables: what sources did with their frames, and what became of the events."""

from collections.abc import Mapping

from markupsafe import Markup

from storage.ledger import Ledger, LineAccount, SourceAccount
from storage.ledger_account import LedgerFigures
from wire.ledger import SpoolState

_TROUBLES = (
    ("unaccounted", "Unaccounted: published, passed, no outcome"),
    ("unbalanced", "Unbalanced: captured, then nowhere"),
    ("gaps", "Never captured: gaps in the device's own numbers"),
    ("lost_in_broker", "Lost in the broker"),
)
# A set of holes can have thousands of pieces; the API has them all.
_NUMBERS_SHOWN = 120
_HEAD = Markup(
    "<tr><th>Source</th><th class='num'>Captured</th><th class='num'>Published</th><th class='num'>Spooled</th>"
    "<th class='num'>In flight</th><th class='num'>Dropped</th><th style='border-left:1px solid var(--line-strong)' "
    "class='num'>Used</th><th class='num'>Quarantined</th><th class='num'>Late</th><th class='num'>Waiting</th>"
    "<th class='num'>Lost</th><th class='num'>Unaccounted</th><th style='border-left:1px solid var(--line-strong)' "
    "class='num'>Gaps</th><th class='num'>Redelivered</th></tr>"
)


def ledger_table(ledger: Ledger) -> Markup:
    """One card per line, below a sentence that says whether all of it adds up; empty if nothing was heard yet."""
    if not ledger.lines:
        return Markup("")
    return _sentence(ledger.totals) + Markup("").join(_line(account) for account in ledger.lines)


def _sentence(totals: LedgerFigures) -> Markup:
    missing = totals.unaccounted + totals.unbalanced
    tone, text = (
        ("ok", "Every frame is accounted for") if totals.adds_up else ("defect", f"{missing} frames are missing")
    )
    return Markup(
        '<div class="rowx" style="margin-bottom:14px"><span class="verdict big {}">{}</span>'
        '<span class="soft">captured = published + spooled + in flight + dropped'
        " &nbsp;·&nbsp; published = used + quarantined + late + waiting + lost + unaccounted</span></div>"
    ).format(tone, text)


def _line(account: LineAccount) -> Markup:
    rows = Markup("").join(_row(source.source, source.figures, spool=source.spool) for source in account.sources)
    total = _row("All sources", account.totals, total=True) if len(account.sources) > 1 else ""
    unreadable = sum(account.unreadable.values())
    note = Markup('<p class="warn" style="margin-top:8px">{} messages whose origin could not be read: {}</p>')
    return Markup(
        '<section class="card" style="margin-bottom:14px"><h2 style="margin-bottom:6px">{}</h2><div class="scroll-x">'
        '<table class="grid"><thead>{}</thead><tbody>{}{}</tbody></table></div>{}{}</section>'
    ).format(
        account.line,
        _HEAD,
        rows,
        total,
        _spools(account) + (note.format(unreadable, _reasons(account.unreadable)) if unreadable else Markup("")),
        Markup("").join(_troubles(source) for source in account.sources),
    )


def _row(name: str, it: LedgerFigures, *, spool: SpoolState | None = None, total: bool = False) -> Markup:
    edge = Markup(" style='border-left:1px solid var(--line-strong)'")
    missing = it.unaccounted + it.unbalanced
    cells = [
        (it.captured, "", ""),
        (it.published, "", ""),
        (it.spooled, "warn", _spool(spool)),
        (it.in_flight, "", ""),
        (sum(it.dropped.values()), "warn", _reasons(it.dropped)),
        (it.used, "", ""),
        (sum(it.quarantined.values()), "warn", _reasons(it.quarantined)),
        (it.late, "warn", ""),
        (it.waiting, "", ""),
        (it.lost_in_broker, "bad", ""),
        (missing, "bad", ""),
        (it.gap, "warn", ""),
        (it.redelivered, "", ""),
    ]
    shown = Markup("").join(
        Markup('<td class="num {}" title="{}"{}>{}</td>').format(
            tone if count else "" if at in (0, 1, 5) else "muted", hint, edge if at in (5, 11) else "", f"{count:,}"
        )
        for at, (count, tone, hint) in enumerate(cells)
    )
    return Markup("<tr{}><td>{}</td>{}</tr>").format(Markup(' style="font-weight:650"') if total else "", name, shown)


def _spool(state: SpoolState | None) -> str:
    """Of the connector, which its sources share: ``612 MB of 1074 MB on disk, the oldest for 12 min``."""
    if state is None or not state.size_bytes:
        return ""
    size, limit = state.size_bytes / 1e6, state.limit_bytes / 1e6
    waited = f"{state.oldest_s:.0f} s" if state.oldest_s < 120 else f"{state.oldest_s / 60:.0f} min"
    return f"{size:.4g} MB of {limit:.4g} MB on disk, the oldest for {waited}"


def _spools(account: LineAccount) -> Markup:
    """What waits on disks, in words: the connectors that have a spool in use."""
    words = {text: source.source for source in reversed(account.sources) if (text := _spool(source.spool))}
    return Markup("").join(
        Markup('<p class="warn" style="margin-top:8px">Spool of {}: {}</p>').format(source, text)
        for text, source in reversed(words.items())
    )


def _troubles(source: SourceAccount) -> Markup:
    """Which sequence numbers are meant, so that somebody can look for them."""
    lines = [
        Markup('<dt>{}</dt><dd><span class="mono">{}</span> <span class="muted">{} · session {}</span></dd>').format(
            title, numbers[:_NUMBERS_SHOWN] + ("…" if len(numbers) > _NUMBERS_SHOWN else ""), source.source, session
        )
        for name, title in _TROUBLES
        for session, numbers in source.numbers(name).items()
    ]
    return (
        Markup('<dl class="facts" style="margin-top:8px">{}</dl>').format(Markup("").join(lines))
        if lines
        else Markup("")
    )


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in counts.items())
