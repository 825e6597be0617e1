"""Results of an evaluation as tables for the terminal."""

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from models.evaluate.figures import Spread
    from models.evaluate.results import EvaluationResult

_COLUMNS = {
    "image_auroc": "image AUROC",
    "image_ap": "AP",
    "image_max_f1": "F1",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "AP",
    "pixel_max_f1": "F1",
    "aupro_30": "AUPRO .30",
    "aupro_05": "AUPRO .05",
}


def tables(result: "EvaluationResult") -> list[Table]:
    """One table per detector: a row per number of references and group of images, mean ± deviation over draws."""
    return [_table(result, index) for index in range(len(result.detectors))]


def _table(result: "EvaluationResult", index: int) -> Table:
    detector = result.detectors[index]
    table = Table(
        "shots",
        "group",
        *_COLUMNS.values(),
        "ms",
        title=f"{detector.name} on {result.dataset.name}",
        title_justify="left",
    )
    for each in detector.shots:
        if each.unavailable is not None:
            table.add_row(str(each.shots), f"n/a: {each.unavailable}")
            continue
        pace_ms = sum(draw.inspect_s_per_image for draw in each.draws) / len(each.draws) * 1e3
        for name, row in each.spread.items():
            figures = [_cell(row.get(metric)) for metric in _COLUMNS]
            table.add_row(str(each.shots), name, *figures, f"{pace_ms:.0f}")
        table.add_section()
    return table


def _cell(spread: "Spread | None") -> str:
    if spread is None:
        return "n/a"
    return f"{spread.mean:.3f}" if spread.std is None else f"{spread.mean:.3f} ±{spread.std:.3f}"
