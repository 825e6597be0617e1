"""Figures as HTML tables."""

from html import escape

from models.evaluate.evaluator import MEAN_OF_KINDS, POOLED
from models.evaluate.figures import METRICS, Spread
from models.evaluate.results import DetectorResult, EvaluationResult, ShotsResult


def overview(result: EvaluationResult) -> str:
    """One row per detector and number of references: the mean over kinds of defects."""
    rows = []
    for detector in result.detectors:
        for index, each in enumerate(detector.shots):
            name = f'<td class="name">{escape(detector.name) if index == 0 else ""}</td><td>{each.shots}</td>'
            first = ' class="first"' if index == 0 else ""
            rows.append(f"<tr{first}>{name}{_cells(each, MEAN_OF_KINDS)}{_pace(each)}</tr>")
    head = '<th class="name">detector</th><th>references</th>'
    return _table(head, "<th>ms per image</th>", rows)


def by_kind(detector: DetectorResult) -> str:
    """One row per number of references and group of images."""
    rows = []
    for each in detector.shots:
        for index, name in enumerate(each.spread or {"": {}}):
            classes = " ".join(
                (["first"] if index == 0 else []) + (["summary"] if name in (MEAN_OF_KINDS, POOLED) else [])
            )
            label = f'<td>{each.shots if index == 0 else ""}</td><td class="name">{escape(name)}</td>'
            rows.append(f'<tr class="{classes}">{label}{_cells(each, name)}</tr>')
    return _table('<th>references</th><th class="name">images</th>', "", rows)


def _table(head: str, tail: str, rows: list[str]) -> str:
    titles = "".join(f"<th>{title}</th>" for title in METRICS.values())
    return f"<table><thead><tr>{head}{titles}{tail}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cells(each: ShotsResult, row: str) -> str:
    if each.unavailable is not None:
        return f'<td class="na name" colspan="{len(METRICS)}">n/a: {escape(each.unavailable)}</td>'
    figures = each.spread.get(row, {})
    return "".join(_cell(figures.get(name)) for name in METRICS)


def _cell(spread: Spread | None) -> str:
    if spread is None:
        return '<td class="na">n/a</td>'
    deviation = "" if spread.std is None else f" <small>± {spread.std:.3f}</small>"
    return f"<td>{spread.mean:.3f}{deviation}</td>"


def _pace(each: ShotsResult) -> str:
    if not each.draws:
        return "<td></td>"
    return f"<td>{sum(draw.inspect_s_per_image for draw in each.draws) / len(each.draws) * 1e3:.1f}</td>"
