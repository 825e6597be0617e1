"""The figures of one run of ``lineside up``, per line and in total, as differences to what the database held before."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from storage.history import History
from storage.ledger import LedgerStore
from storage.ledger_account import LedgerFigures
from wire.finding import Verdict

Counts = Mapping[str, int]


class RunSummary:
    """Remembers where the run began.

    ``captured`` … ``joined`` count distinct events: frames, sensor windows and part contexts. ``stored`` are rows, one
    per part; ``inspected`` those of them that the detector scored; ``duplicates`` are redeliveries, which change
    nothing.
    """

    def __init__(self, history: History, ledgers: LedgerStore, lines: Sequence[str]) -> None:
        self._history = history
        self._ledgers = ledgers
        self._lines = tuple(lines)
        self._began_at = datetime.now(UTC)
        self._figures_before = self._figures()
        self._verdicts_before = self._verdicts()

    def verdicts(self) -> dict[str, dict[str, int]]:
        """Rows of this run by line and verdict."""
        now = self._verdicts()
        return {line: _minus(now[line], self._verdicts_before[line]) for line in self._lines}

    def document(self, *, streamed_s: float, model_fps: float | None, restarts: int) -> dict[str, Any]:
        """Everything, ready for JSON. ``streamed_s``: how long the plant produced."""
        figures, verdicts = self._figures(), self.verdicts()
        events = {line: _minus(figures[line], self._figures_before[line]) for line in self._lines}
        return {
            "began_at": self._began_at.isoformat(),
            "ended_at": datetime.now(UTC).isoformat(),
            "streamed_s": round(streamed_s, 3),
            "restarts": restarts,
            "total": {
                **self._document(_sum(events.values()), _sum(verdicts.values()), None, streamed_s),
                "model_fps": None if model_fps is None else round(model_fps, 2),
            },
            "lines": {line: self._document(events[line], verdicts[line], line, streamed_s) for line in self._lines},
        }

    def _document(self, events: Counts, verdicts: Counts, line: str | None, streamed_s: float) -> dict[str, Any]:
        stored = sum(verdicts.values())
        latency = self._history.latency(line, self._began_at)
        return {
            "captured": events["captured"],
            "published": events["published"],
            "spooled": events["spooled"],
            "joined": events["used"],
            "inspected": self._history.scored_count(line, self._began_at),
            "stored": stored,
            "duplicates": events["redelivered"],
            "quarantined": {**_reasons(events, "quarantined"), **_reasons(events, "unreadable")},
            "dropped": _reasons(events, "dropped"),
            "late": events["late"],
            "waiting": events["waiting"],
            "in_flight": events["in_flight"],
            "lost_in_broker": events["lost_in_broker"],
            "gaps": events["gap"],
            "unaccounted": events["unaccounted"],
            "unbalanced": events["unbalanced"],
            "verdicts": dict(verdicts),
            "latency_s": asdict(latency),
            "fps": round(stored / streamed_s, 3) if streamed_s else 0.0,
        }

    def _figures(self) -> dict[str, dict[str, int]]:
        ledger = self._ledgers.read()
        accounts = {line: ledger.line(line) for line in self._lines}
        return {line: _flat(found.totals if found else LedgerFigures()) for line, found in accounts.items()}

    def _verdicts(self) -> dict[str, dict[str, int]]:
        counts = {line: self._history.verdict_counts(line) for line in self._lines}
        return {line: {name.value: found.get(name, 0) for name in Verdict} for line, found in counts.items()}


def _flat(figures: LedgerFigures) -> dict[str, int]:
    """Counts by name; those by reason as ``quarantined.<reason>``."""
    flat: dict[str, int] = {}
    for name, value in asdict(figures).items():
        if isinstance(value, dict):
            flat.update({f"{name}.{reason}": count for reason, count in value.items()})
        else:
            flat[name] = value
    return flat


def _reasons(events: Counts, kind: str) -> dict[str, int]:
    return {
        name.removeprefix(f"{kind}."): count for name, count in events.items() if name.startswith(f"{kind}.") and count
    }


def _minus(now: Counts, before: Counts) -> dict[str, int]:
    return {name: count - before.get(name, 0) for name, count in now.items()}


def _sum(parts: Iterable[Counts]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            total[name] = total.get(name, 0) + count
    return total


def write_summary(path: Path, document: Mapping[str, Any]) -> None:
    """Write the figures as JSON, whole or not at all."""
    draft = path.with_name(f".{path.name}~")
    draft.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
