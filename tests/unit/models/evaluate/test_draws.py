from collections import Counter
from operator import eq
from pathlib import Path

import pytest

from models.evaluate.draws import Draw, Relation, draw_references, first_of_each_kind
from models.evaluate.physical_parts import PhysicalParts
from models.evaluate.sample import ObjectSet, Sample
from wire.errors import ConfigurationError


def sample(name: str, kind: str = "good") -> Sample:
    return Sample(image=Path(name), name=name, kind=kind)


NORMALS = tuple(sample(f"free_exp{i % 5}_num_{100 * (i // 2) + i % 2}.png") for i in range(20))  # pairs 1 apart
DEFECTS = tuple(sample(f"crack_exp1_num_{100 * i + 50}.png", "crack") for i in range(10))
TILES = ObjectSet(name="tile", references=NORMALS, tests=(*NORMALS, *DEFECTS))


def nothing(one: Sample, other: Sample) -> bool:
    return False


def drawn_from_tiles(
    seed: int, draw: int, *, most: int = 4, related: Relation = eq, alike: Relation = nothing, leave_out: bool = False
) -> Draw:
    return draw_references(
        TILES, most, seed=seed, draw=draw, related=related, alike=alike, leave_out_alike=leave_out
    )  # fmt: skip


def test_parts_are_told_by_groups_of_a_pattern() -> None:
    parts = PhysicalParts(r"(line\d)/.*_part_(\d+)_", None)

    assert parts.related(sample("line1/a_part_7_left.png"), sample("line1/b_part_7_right.png"))
    assert not parts.related(sample("line1/a_part_7_left.png"), sample("line2/b_part_7_right.png"))
    assert not parts.related(sample("line1/a_part_7_left.png"), sample("line1/b_part_8_left.png"))


def test_numbers_close_by_may_be_one_part() -> None:
    parts = PhysicalParts(r"num_(\d+)", 60)

    assert parts.related(sample("exp1_num_100"), sample("exp4_num_160"))
    assert not parts.related(sample("exp1_num_100"), sample("exp4_num_161"))


def test_without_a_pattern_every_image_is_a_part() -> None:
    parts = PhysicalParts(None, None)

    assert parts.related(sample("a"), sample("a"))
    assert not parts.related(sample("a"), sample("b"))


def test_a_name_whose_part_cannot_be_told_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"--group needs a match in every name; not in x\.png"):
        PhysicalParts(r"num_(\d+)", None).check([sample("num_1.png"), sample("x.png")])
    with pytest.raises(ConfigurationError, match=r"needs a number as its last \(group\) in every name; not in num_b"):
        PhysicalParts(r"num_(\w)", 3).check([sample("num_1.png"), sample("num_b.png")])
    with pytest.raises(ConfigurationError, match="--group-distance 3 needs --group"):
        PhysicalParts(None, 3)


@pytest.mark.parametrize("number", range(8))
def test_no_test_image_shows_the_part_of_a_reference(number: int) -> None:
    parts = PhysicalParts(r"num_(\d+)", 60)

    drawn = drawn_from_tiles(0, number, related=parts.related)

    assert len(set(drawn.order)) == 4
    assert not [(r.name, t.name) for r in drawn.order for t in drawn.tests if parts.related(r, t)]
    # Each reference takes its twin (1 apart) along, and the defects 50 above and 50 below.
    assert set(drawn.tests) | set(drawn.left_out) == set(TILES.tests)
    assert set(drawn.order) < set(drawn.left_out)
    assert len(drawn.left_out) >= 8


def test_equal_seeds_draw_equally_and_fewer_references_are_the_first_of_more() -> None:
    four, again = (drawn_from_tiles(1, 2) for _ in range(2))
    two = drawn_from_tiles(1, 2, most=2)
    others = {drawn_from_tiles(seed, draw).order for seed, draw in ((1, 3), (2, 2))}

    assert four == again
    assert two.order == four.order[:2]
    assert four.order not in others


def test_tests_that_look_like_a_reference_are_named_and_left_out_where_wanted() -> None:
    def twins(one: Sample, other: Sample) -> bool:
        return one.name.split("num_")[1][:-5] == other.name.split("num_")[1][:-5]  # all but the last digit

    kept, gone = (drawn_from_tiles(0, 0, alike=twins, leave_out=leave_out) for leave_out in (False, True))

    assert kept.order == gone.order
    assert kept.alike == gone.alike
    assert {twins(test, reference) for test in kept.alike for reference in kept.order} >= {True}
    assert set(kept.alike) <= set(kept.tests)
    assert set(kept.alike) <= set(gone.left_out)
    assert not set(kept.alike) & set(gone.tests)
    assert len(kept.alike) == 4 - len(set(kept.order) & set(kept.alike))


def test_a_quick_look_takes_each_kind_evenly() -> None:
    kept = first_of_each_kind(TILES.tests, 3)

    assert Counter(each.kind for each in kept) == {"good": 3, "crack": 3}
    assert kept == (NORMALS[0], NORMALS[10], NORMALS[19], DEFECTS[0], DEFECTS[4], DEFECTS[9])
    assert first_of_each_kind(TILES.tests, 100) == TILES.tests
