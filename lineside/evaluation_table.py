"""Results of an evaluation as tables for the terminal."""

from rich.table import Table

from models.evaluate.comparison import PairedTest, ShotsComparison
from models.evaluate.figures import METRICS, Spread
from models.evaluate.results import EvaluationResult


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


def _test_cells(test: PairedTest) -> list[str]:
    interval = "n/a" if test.low is None or test.high is None else f"{test.low:+.3f} … {test.high:+.3f}"
    t_p = "n/a" if test.t_p is None else f"{test.t_p:.3g}"
    return [f"{test.mean:+.3f}", interval, t_p, f"{test.sign_p:.3g}", str(test.ahead), str(test.behind)]
