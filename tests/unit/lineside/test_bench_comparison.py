import json

import pytest

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.interleaving import interleave


def compared(product: tuple[float, ...], baseline: tuple[float, ...], direction: Direction, aim: float) -> Comparison:
    return Comparison(
        name="store",
        unit="results/s",
        product_side="sink",
        baseline_side="bare",
        product=product,
        baseline=baseline,
        aim=aim,
        direction=direction,
    )


def test_ratio_is_the_median_of_neighbours_and_not_the_ratio_of_medians() -> None:
    # Neighbours: 0.5, 0.9, 2.0; the medians are 90 and 100.
    comparison = compared((50.0, 90.0, 400.0), (100.0, 100.0, 200.0), Direction.AT_LEAST, 0.9)

    assert comparison.ratios == (0.5, 0.9, 2.0)
    assert comparison.ratio == 0.9
    assert comparison.met


@pytest.mark.parametrize(
    ("direction", "aim", "met"),
    [
        (Direction.AT_LEAST, 1.25, True),
        (Direction.AT_LEAST, 1.26, False),
        (Direction.AT_MOST, 1.25, True),
        (Direction.AT_MOST, 1.24, False),
    ],
)
def test_aim_is_met_on_its_own_side(direction: Direction, aim: float, met: bool) -> None:
    assert compared((5.0,), (4.0,), direction, aim).met is met


def test_json_holds_the_ratio_and_whether_it_reaches_the_aim() -> None:
    content = json.loads(compared((5.0,), (4.0,), Direction.AT_MOST, 1.2).model_dump_json())

    assert content["ratio"] == 1.25
    assert content["ratios"] == [1.25]
    assert content["met"] is False


def test_sides_take_turns_in_going_first() -> None:
    order: list[str] = []

    def measured(side: str) -> float:
        order.append(side)
        return float(len(order))

    values = interleave(lambda: measured("product"), lambda: measured("baseline"), 3)

    assert order == ["product", "baseline", "baseline", "product", "product", "baseline"]
    assert values == ((1.0, 4.0, 5.0), (2.0, 3.0, 6.0))
