"""Results of an evaluation as tables for the terminal."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from models.evaluate.comparison import PairedTest, ShotsComparison, compare
from models.evaluate.figures import METRICS, Spread
from models.evaluate.results import EvaluationResult
from models.evaluate.variants import Variant

# What the published tables of ablations show.
_ABLATED: Final = ("image_auroc", "pixel_auroc")


def tables(result: EvaluationResult) -> list[Table]:
    """One table per detector: a row per number of references and group of images, mean ± deviation over draws."""
    return [_table(result, index) for index in range(len(result.detectors))]


def _table(result: EvaluationResult, index: int) -> Table:
    detector = result.detectors[index]
    table = Table(
        "shots",
        "group",
        *METRICS.values(),
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
            figures = [_cell(row.get(metric)) for metric in METRICS]
            table.add_row(str(each.shots), name, *figures, f"{pace_ms:.0f}")
        table.add_section()
    return table


def _cell(spread: Spread | None) -> str:
    if spread is None:
        return "n/a"
    return f"{spread.mean:.3f}" if spread.std is None else f"{spread.mean:.3f} ±{spread.std:.3f}"


def comparison_table(found: ShotsComparison, left: str, right: str) -> Table:
    """A row per figure: means over kinds, their difference with a 95 % interval, and both tests."""
    table = Table(
        "figure", left, right, "difference", "95 % interval", "t test p", "sign test p", "ahead", "behind",
        title=f"{right} against {left}, {found.shots} references, pairs are kinds of defects", title_justify="left",
    )  # fmt: skip
    for each in found.figures:
        pairs = each.kinds.values()
        means = [sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1)]
        table.add_row(METRICS[each.metric], *(f"{mean:.3f}" for mean in means), *_test_cells(each.test))
    return table


def ablation_tables(result: EvaluationResult, variants: Sequence[Variant]) -> list[Table]:
    """Per recipe, its variants beside the first of them: figures over kinds, their difference, both tests."""
    found = []
    for recipe in dict.fromkeys(each.recipe for each in variants):
        base, *others = [each.name for each in variants if each.recipe == recipe]
        table = Table(
            "variant", "shots", "figure", "it", base, "difference", "95 % interval", "t test p", "sign test p", "ahead",
            "behind", title=f"Variants of {recipe}, pairs are kinds of defects", title_justify="left",
        )  # fmt: skip
        for other in others:
            for each in compare(result, result, base, other):
                for figure in (one for one in each.figures if one.metric in _ABLATED):
                    pairs = figure.kinds.values()
                    first, second = (f"{sum(pair[side] for pair in pairs) / len(pairs):.3f}" for side in (0, 1))
                    row = [other.removeprefix(base), str(each.shots), METRICS[figure.metric], second, first]
                    table.add_row(*row, *_test_cells(figure.test))
            table.add_section()
        found.append(table)
    return found


def _test_cells(test: PairedTest) -> list[str]:
    interval = "n/a" if test.low is None or test.high is None else f"{test.low:+.3f} … {test.high:+.3f}"
    t_p = "n/a" if test.t_p is None else f"{test.t_p:.3g}"
    return [f"{test.mean:+.3f}", interval, t_p, f"{test.sign_p:.3g}", str(test.ahead), str(test.behind)]
