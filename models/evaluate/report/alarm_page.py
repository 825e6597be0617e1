"""The page of counted false alarms: every group's share beside where a kept rate would lie."""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from models.evaluate.alarm_law import AlarmLaw
from models.evaluate.false_alarms import AS_TAKEN, AlarmCount, AlarmRate, by_memory, outside
from models.evaluate.report.chart import Axis, Line, legend, line_chart
from models.evaluate.report.document import document

_WIDTH, _HEIGHT = 420, 16
_MEASURED, _KEPT = "measured", "if the rate is kept"


def write_alarm_page(
    folder: Path, counts: Sequence[AlarmCount], tables: Sequence[Sequence[AlarmRate]], *, title: str, rate: float
) -> Path:
    """Write ``index.html`` into ``folder``, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(alarm_page(counts, tables, title=title, rate=rate), encoding="utf-8")
    return path


def alarm_page(counts: Sequence[AlarmCount], tables: Sequence[Sequence[AlarmRate]], *, title: str, rate: float) -> str:
    """The whole document: ``tables`` (by group, by light) with a bar per row, and memories against their law."""
    strays = [each for each in by_memory(counts, rate) if not each.kept]
    highest = max(max(each.rate, each.high / each.parts) for rows in (*tables, strays) for each in rows)
    limit = min(1.0, math.ceil(highest * 20) / 20)
    body = "".join(_table(rows, rate, limit) for rows in tables)
    beyond = f"<p>{escape(outside(counts, rate).sentence)}</p>{_table(strays, rate, limit) if strays else ''}"
    return document(
        title,
        f"<p>Stated false-alarm rate {rate:.1%} (dashed). Bars: where 95 % of counts lie if it is kept; the rate of a "
        "memory is itself Beta distributed, since its threshold comes from few references. Dots: measured.</p>"
        f"{body}<h2>Memory by memory</h2>{beyond}<p>Share of memories with at most so large a share of alarms.</p>"
        f'<div class="charts"><figure>{_by_memory(counts, rate, limit)}</figure></div>{legend((_MEASURED, _KEPT))}',
    )


def _table(rows: Sequence[AlarmRate], rate: float, limit: float) -> str:
    cells = "".join(
        f'<tr><td class="name">{escape(each.name)}</td><td>{each.memories}</td><td>{each.parts}</td>'
        f"<td>{each.alarms}</td><td>{each.rate:.1%}</td><td>{each.tail:.2g}</td>"
        f'<td class="name">{_bar(each, rate, limit)}</td></tr>'
        for each in rows
    )
    columns = ("memories", "good parts", "alarms", "rate", "p")
    head = "<th></th>" + "".join(f"<th>{column}</th>" for column in columns) + f'<th class="name">0 to {limit:.0%}</th>'
    return f"<table><tr>{head}</tr>{cells}</table>"


def _bar(each: AlarmRate, rate: float, limit: float) -> str:
    low, high, stated, measured = (
        round(share / limit * (_WIDTH - 10) + 5, 1)
        for share in (each.low / each.parts, each.high / each.parts, rate, each.rate)
    )
    colour = "#0072b2" if each.kept else "#d55e00"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img"><rect x="{low}" y="5" width="{max(high - low, 1):.1f}" '
        f'height="6" fill="#d8dee3"/><line x1="{stated}" y1="0" x2="{stated}" y2="{_HEIGHT}" class="chance"/>'
        f'<circle cx="{measured}" cy="8" r="4" fill="{colour}"/></svg>'
    )


def _by_memory(counts: Sequence[AlarmCount], rate: float, limit: float) -> str:
    usual = [each for each in counts if each.condition == AS_TAKEN]
    shares = np.linspace(0, limit, 61)
    measured = [float(np.mean([each.alarms <= share * each.parts for each in usual])) for share in shares]
    sums = [np.cumsum(AlarmLaw.of_memory(each.references, rate, each.parts).chances) for each in usual]
    kept = [
        float(np.mean([total[int(share * each.parts)] for total, each in zip(sums, usual, strict=True)]))
        for share in shares
    ]
    lines = {
        _MEASURED: Line(points=list(zip(shares.tolist(), measured, strict=True))),
        _KEPT: Line(points=list(zip(shares.tolist(), kept, strict=True))),
    }
    return line_chart(lines, Axis(title="share of alarms", high=limit), Axis(title="share of memories"))
