"""What one lane of the live page says, as plain values for its component."""

from typing import Any

from dashboard.evidence_links import thumbnail_url
from dashboard.line_board import SPAN, LineBoard
from dashboard.live_feed import LiveView
from dashboard.pages.wording import (
    level,
    percent_text,
    product_text,
    score_text,
    seconds_text,
    types_text,
    verdict_word,
)
from storage.ledger_account import LedgerFigures
from storage.stored_inspection import StoredInspection

_MINUTES = round(SPAN.total_seconds() / 60)


def lane_of(board: LineBoard, view: LiveView) -> dict[str, Any]:
    """One line as its lane shows it."""
    line = board.spec.line
    return {
        "line": line,
        "name": board.name,
        "kpis": [_state_kpi(board), *_rate_kpis(board)],
        "ledger": ledger_words(board.ledger),
        "flagged": [_tile(stored) for stored in view.flagged.get(line, ())],
        "latest": [_tile(stored) for stored in view.latest.get(line, ())],
    }


def ledger_words(ledger: LedgerFigures | None) -> dict[str, str]:
    """Value, tone and explanation of a line's ledger."""
    if ledger is None:
        return {"value": "no heartbeat", "note": "", "tone": "warn", "hint": "No source has sent its ledger yet"}
    if not ledger.adds_up:
        missing = ledger.unaccounted + ledger.unbalanced
        hint = "Frames were captured or published, and nobody knows what became of them"
        return {"value": f"{missing} unaccounted", "note": "", "tone": "bad", "hint": hint}
    troubles = {
        "lost in broker": ledger.lost_in_broker,
        "quarantined": sum(ledger.quarantined.values()) + sum(ledger.unreadable.values()),
        "dropped": sum(ledger.dropped.values()),
        "gaps": ledger.gap,
        "late": ledger.late,
    }
    notes = [f"{count} {word}" for word, count in troubles.items() if count]
    hint = f"Every frame is accounted for; {ledger.waiting} on their way"
    if notes:
        return {"value": "adds up", "note": notes[0], "tone": "warn", "hint": f"{hint}; {', '.join(notes)}"}
    return {"value": "adds up", "note": "", "tone": "good", "hint": hint}


def _kpi(
    label: str, value: str, unit: str = "", *, hint: str = "", tone: str = "", share: float | None = None
) -> dict[str, Any]:
    return {"label": label, "value": value, "unit": unit, "hint": hint, "tone": tone, "share": share}


def _state_kpi(board: LineBoard) -> dict[str, Any]:
    needed = board.spec.learning_parts
    # Where products have names, a nameless one is of parts whose context was lost on the way: nobody waits for it.
    products = [state for state in board.products if state.product] or board.products
    learning = [state for state in products if state.version is None]
    if learning or not products:
        state = max(learning, key=lambda it: it.learned, default=None)
        learned = min(state.learned if state else 0, needed)
        hint = f"The first {needed} parts build the memory of good ones; until then scores are zero-shot"
        name = f" {state.product}" if state and state.product else ""
        return _kpi(f"Learning{name}", f"{learned}", f"of {needed} parts", hint=hint, share=learned / needed)
    newest = products[0]
    more = len(products) - 1
    return _kpi(
        f"State{' ' + newest.product if newest.product else ''}",
        f"v{newest.version}",
        f"+ {more} more" if more else "",
        hint="; ".join(f"{product_text(state.product)}: version {state.version}" for state in products),
    )


def _rate_kpis(board: LineBoard) -> list[dict[str, Any]]:
    share = board.defect_share
    # Three times the stated false-alarm rate, on enough parts to mean it, is more than bad luck.
    high = share is not None and board.parts >= 50 and share > 3 * board.spec.false_alarm_rate
    rate = f"{board.spec.false_alarm_rate * 100:g} %"
    return [
        _kpi("Rate", str(board.parts_last_minute), "parts/min"),
        _kpi(
            f"Flagged, {_MINUTES} min",
            percent_text(share),
            "%" if share is not None else "",
            tone="bad" if high else "",
            hint=f"{board.defects} of {board.parts} parts; stated rate of false alarms {rate}",
        ),
        _kpi("Capture to row, p95", seconds_text(board.latency_p95_s)),
    ]


def _tile(stored: StoredInspection) -> dict[str, Any]:
    it = stored.inspection
    return {
        "id": str(it.inspection_id),
        "label": it.part_id,
        "verdict": it.verdict.value,
        "word": verdict_word(it),
        "picture": thumbnail_url(it),
        "level": level(it.score, it.threshold),
        "score": score_text(it.score),
        "types": types_text(it),
        "at": it.captured_at.isoformat(),
        "note": "partial" if it.is_partial else "",
    }
