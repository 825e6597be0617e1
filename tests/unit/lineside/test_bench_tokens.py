import pytest

from lineside.bench.comparison import Direction
from lineside.bench.tokens import RECIPE_AIM, WRAPPER_AIM, run
from wire.errors import ConfigurationError


@pytest.mark.parametrize(("recipe", "changes"), [("spgdd", {}), ("samllava", {"sam.size": "null"})])
def test_wrapper_and_recipe_are_each_measured_against_what_they_wrap(recipe: str, changes: dict[str, str]) -> None:
    told: list[str] = []
    report = run(recipe, "tiny-clip", changes=changes, threads=1, repetitions=2, tell=told.append)
    assert [(each.product_side, each.baseline_side, each.aim) for each in report.comparisons] == [
        ("value-value wrapper", "open_clip's forward", WRAPPER_AIM),
        ("whole recipe", "value-value wrapper", RECIPE_AIM),
    ] * 2
    for each in report.comparisons:
        assert each.direction is Direction.AT_MOST
        assert len(each.ratios) == 2
        assert min(each.product) > 0
    assert told[0] == "making tiny-clip with random weights"


def test_a_recipe_without_a_backbone_of_tokens_is_told_what_to_run() -> None:
    with pytest.raises(ConfigurationError, match=r"recipe embedded: is of kind embedded, .* expected spgdd or sam"):
        run("embedded", "tiny-clip", changes={}, threads=1, repetitions=1, tell=lambda _: None)
