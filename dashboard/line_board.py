"""What is known of each line at a moment: state or learning progress, rates, latency, ledger."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from storage.history import History
from storage.ledger import Ledger
from storage.ledger_account import LedgerFigures
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from wire.line_state import LineSpec

# Anomaly rate over a quarter of an hour: long enough to be a rate, short enough to show a change within a break.
SPAN = timedelta(minutes=15)
_MINUTE = timedelta(minutes=1)
# One bucket (two, where a day's end lies inside) holds a whole span.
_WHOLE_S = 86_400


@dataclass(frozen=True, kw_only=True)
class ProductState:
    """The version that judges a product now; ``learned`` counts good parts while there is none."""

    product: str
    version: int | None
    learned: int


class _Counts(NamedTuple):
    last_minute: int
    parts: int
    defects: int
    unknown: int


@dataclass(frozen=True, kw_only=True)
class LineBoard:
    """One line.

    Counts are of the last minute and the last 15 minutes, by capture; latency is capture to row. ``ledger`` is None
    while no source of the line has reported.
    """

    spec: LineSpec
    products: tuple[ProductState, ...]
    parts_last_minute: int
    parts: int
    defects: int
    unknown: int
    latency_p95_s: float | None
    ledger: LedgerFigures | None

    @property
    def name(self) -> str:
        """What people call the line."""
        return self.spec.display_name or self.spec.line

    @property
    def defect_share(self) -> float | None:
        """Share of flagged parts among the judged ones of the last 15 minutes."""
        judged = self.parts - self.unknown
        return self.defects / judged if judged > 0 else None


class BoardReader:
    """Reads the boards from the stores: a handful of queries for all lines together."""

    def __init__(self, *, history: History, lines: LineRegistry, states: LineStateStore) -> None:
        self._history = history
        self._lines = lines
        self._states = states

    def read(self, now: datetime, ledger: Ledger) -> tuple[LineBoard, ...]:
        """Every line, by id. DatabaseUnavailable."""
        learned = {(it.line, it.product): it.inspections for it in self._history.learning_lines()}
        counts = self._counts(now, None)
        return tuple(self._board(spec, now, counts, learned, ledger) for spec in self._lines.all())

    def read_line(self, spec: LineSpec, now: datetime, ledger: Ledger) -> LineBoard:
        """One line. DatabaseUnavailable."""
        learned = {(it.line, it.product): it.inspections for it in self._history.learning_lines()}
        return self._board(spec, now, self._counts(now, spec.line), learned, ledger)

    def _counts(self, now: datetime, line: str | None) -> dict[str, _Counts]:
        last_minute = Counter[str]()
        for bucket in self._history.statistics(line, now - _MINUTE, now, _WHOLE_S):
            last_minute[bucket.line] += bucket.total
        counts: dict[str, _Counts] = {}
        for bucket in self._history.statistics(line, now - SPAN, now, _WHOLE_S):
            before = counts.get(bucket.line, _Counts(0, 0, 0, 0))
            counts[bucket.line] = _Counts(
                last_minute[bucket.line],
                before.parts + bucket.total,
                before.defects + bucket.defect,
                before.unknown + bucket.unknown,
            )
        return counts

    def _board(
        self,
        spec: LineSpec,
        now: datetime,
        counts: Mapping[str, _Counts],
        learned: Mapping[tuple[str, str], int],
        ledger: Ledger,
    ) -> LineBoard:
        own = counts.get(spec.line, _Counts(0, 0, 0, 0))
        account = ledger.line(spec.line)
        return LineBoard(
            spec=spec,
            products=self._products(spec.line, learned),
            parts_last_minute=own.last_minute,
            parts=own.parts,
            defects=own.defects,
            unknown=own.unknown,
            latency_p95_s=self._history.latency(spec.line, now - SPAN).p95,
            ledger=account.totals if account is not None and account.sources else None,
        )

    def _products(self, line: str, learned: Mapping[tuple[str, str], int]) -> tuple[ProductState, ...]:
        """What judges each product: those still learning first, then the latest activation of each."""
        learning = [
            ProductState(product=product, version=None, learned=count)
            for (of_line, product), count in learned.items()
            if of_line == line
        ]
        active: dict[str, ProductState] = {}
        for it in self._states.activations(line):
            active.setdefault(it.product, ProductState(product=it.product, version=it.version, learned=0))
        return (*learning, *active.values())
