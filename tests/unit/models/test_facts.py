from typing import get_args

import numpy as np
import pytest

from models.facts import facts_of
from models.facts.extractor import polarity_of, saliency_of, scale_of
from models.report.template import region_sentence
from wire.errors import ShapeError
from wire.facts import Count, Direction, Distribution, Polarity, Position, PositionShare, Saliency, Scale, Shape
from wire.finding import Region


def grey(shape: tuple[int, int], level: int = 100) -> np.ndarray:
    return np.full(shape, level, np.uint8)


def blank(height: int = 90, width: int = 90) -> np.ndarray:
    return np.zeros((height, width), np.bool_)


def test_an_empty_mask_has_no_place_and_no_contrast():
    facts = facts_of(blank(), grey((90, 90)), mm_per_px=0.5)
    assert facts.model_dump() == {
        "scale": "tiny", "polarity": "neutral", "saliency": "low", "number": "none", "position": (),
        "shape": "unclear", "direction": "none", "distribution": "unclear", "area_ratio": 0.0, "contrast": 0.0,
        "area_mm2": 0.0, "length_mm": 0.0,
    }  # fmt: skip


def test_a_full_mask_has_nothing_to_contrast_with():
    facts = facts_of(np.ones((90, 90), np.bool_), grey((90, 90), 250))
    assert (facts.scale, facts.polarity, facts.saliency, facts.number) == ("extensive", "neutral", "low", "one")
    assert (facts.shape, facts.direction, facts.distribution) == ("patch-like", "none", "isolated")
    assert (facts.area_ratio, facts.contrast) == (1.0, 0.0)
    # Nine cells of 30 x 30 px, equal shares, in reading order.
    assert [share.cell for share in facts.position] == [
        "top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right",
    ]  # fmt: skip
    assert {share.share for share in facts.position} == {0.111111}


def test_a_horizontal_bar_across_two_cells():
    mask = blank()
    mask[40:42, 15:45] = True  # 2 x 30 px, half of it left of x = 30, rows in the middle third
    picture = grey((90, 90))
    picture[mask] = 30
    facts = facts_of(mask, picture, mm_per_px=0.1)
    assert (facts.scale, facts.polarity, facts.saliency) == ("tiny", "dark", "high")  # 60 of 8100 px; 30 - 100
    assert facts.contrast == -70.0
    assert facts.position == (PositionShare(cell="left", share=0.5), PositionShare(cell="center", share=0.5))
    assert (facts.shape, facts.direction, facts.number, facts.distribution) == (
        "linear",
        "horizontal",
        "one",
        "isolated",
    )
    assert facts.area_ratio == round(60 / 8100, 6)
    assert facts.area_mm2 == 0.6  # 60 px of 0.01 mm2
    assert facts.length_mm == 3.0  # 30 px


def test_turning_the_mask_turns_direction_and_cells():
    mask = blank()
    mask[40:42, 2:26] = True
    assert (facts_of(mask, grey((90, 90))).direction, facts_of(mask.T, grey((90, 90))).direction) == (
        "horizontal",
        "vertical",
    )
    assert [s.cell for s in facts_of(mask, grey((90, 90))).position] == ["left"]
    assert [s.cell for s in facts_of(mask.T, grey((90, 90))).position] == ["top"]
    assert [s.cell for s in facts_of(mask[:, ::-1], grey((90, 90))).position] == ["right"]


def test_a_diagonal_line_is_one_8_connected_diagonal_defect():
    mask = blank()
    for i in range(40):
        mask[20 + i, 20 + i] = True
    facts = facts_of(mask, grey((90, 90)))
    assert (facts.number, facts.shape, facts.direction) == ("one", "linear", "diagonal")


def test_a_disc_is_circular_and_has_no_direction():
    y, x = np.mgrid[:90, :90]
    facts = facts_of((y - 45) ** 2 + (x - 45) ** 2 <= 15**2, grey((90, 90)))
    assert (facts.shape, facts.direction, facts.scale) == ("circular", "none", "medium")  # about 707 of 8100 px


def test_a_small_dot_is_spot_like():
    mask = blank()
    mask[44:47, 44:47] = True
    assert facts_of(mask, grey((90, 90))).shape == "spot-like"


def test_a_fat_bar_is_elongated_and_a_square_patch_like():
    bar, square = blank(), blank()
    bar[30:50, 10:70] = True
    square[20:60, 20:60] = True
    assert facts_of(bar, grey((90, 90))).shape == "elongated"
    assert facts_of(square, grey((90, 90))).shape == "patch-like"


def test_an_arc_is_curved():
    y, x = np.mgrid[:90, :90]
    radius = np.hypot(y - 70, x - 45)
    arc = (radius > 38) & (radius < 41) & (y < 70)
    assert facts_of(arc, grey((90, 90))).shape == "curved"


def test_a_grid_of_lines_is_network_like():
    mask = blank()
    mask[15:76, [20, 45, 70]] = True
    mask[[20, 45, 70], 15:76] = True
    assert facts_of(mask, grey((90, 90))).shape == "network-like"


def test_a_plus_with_thick_short_arms_is_irregular():
    mask = blank()
    mask[40:50, 25:65] = True
    mask[25:65, 40:50] = True
    # 700 px in a hull of 40 x 40 minus four triangles of 15 x 15 / 2 = 1150: solidity 0.61
    assert facts_of(mask, grey((90, 90))).shape == "irregular"


def test_many_crumbs_are_fragmented_and_scattered_or_clustered_by_their_box():
    wide, narrow = blank(), blank()
    for k in range(6):
        wide[5 + 14 * k : 8 + 14 * k, 5 + 14 * k : 8 + 14 * k] = True
        narrow[20 + 5 * k : 23 + 5 * k, 20 + 5 * k : 23 + 5 * k] = True
    assert (facts_of(wide, grey((90, 90))).shape, facts_of(wide, grey((90, 90))).number) == ("fragmented", "multiple")
    assert facts_of(wide, grey((90, 90))).distribution == "scattered"  # box 73 x 73 of 90 x 90
    assert facts_of(narrow, grey((90, 90))).distribution == "clustered"  # box 28 x 28


@pytest.mark.parametrize(
    ("count", "word"), [(1, "one"), (2, "two"), (3, "three"), (4, "four"), (5, "five"), (6, "multiple")]
)
def test_components_are_counted_in_words(count: int, word: str):
    mask = blank()
    for k in range(count):
        mask[10, 5 + 10 * k : 9 + 10 * k] = True
    assert facts_of(mask, grey((90, 90))).number == word


@pytest.mark.parametrize(
    ("ratio", "scale"),
    [(0.0099, "tiny"), (0.01, "small"), (0.0299, "small"), (0.03, "medium"), (0.0999, "medium"), (0.10, "large"),
     (0.25, "large"), (0.2501, "extensive")],
)  # fmt: skip
def test_scale_changes_exactly_at_its_limits(ratio: float, scale: str):
    assert scale_of(ratio) == scale


@pytest.mark.parametrize(
    ("contrast", "polarity", "saliency"),
    [(-40.1, "dark", "high"), (-40, "dark", "medium"), (-10, "dark", "medium"), (-9.9, "dark", "low"),
     (-5, "neutral", "low"), (5, "neutral", "low"), (5.1, "bright", "low"), (40, "bright", "medium")],
)  # fmt: skip
def test_polarity_and_saliency_change_exactly_at_their_limits(contrast: float, polarity: str, saliency: str):
    assert (polarity_of(contrast), saliency_of(contrast)) == (polarity, saliency)


def test_shares_of_cells_are_sorted_and_add_up():
    mask = blank()
    mask[0:10, 0:10] = True  # 100 px top-left
    mask[80:90, 60:90] = True  # 300 px bottom-right
    assert facts_of(mask, grey((90, 90))).position == (
        PositionShare(cell="bottom-right", share=0.75),
        PositionShare(cell="top-left", share=0.25),
    )


def test_cells_of_a_picture_that_is_no_multiple_of_three():
    mask = np.zeros((4, 5), np.bool_)
    mask[1, 1] = mask[2, 3] = True  # floor(3 * 1 / 4) = 0, floor(3 * 1 / 5) = 0; floor(6 / 4) = 1, floor(9 / 5) = 1
    cells = [share.cell for share in facts_of(mask, grey((4, 5))).position]
    assert cells == ["top-left", "center"]


def test_a_picture_of_one_pixel_is_defined():
    facts = facts_of(np.ones((1, 1), np.bool_), grey((1, 1)))
    assert (facts.shape, facts.number) == ("unclear", "one")
    assert facts.position == (PositionShare(cell="top-left", share=1.0),)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ShapeError, match=r"mask \(3, 4\) and grey \(4, 3\) must be the same"):
        facts_of(np.zeros((3, 4), np.bool_), grey((4, 3)))


def drawn(*places: tuple) -> np.ndarray:
    mask = blank()
    for place in places:
        mask[place] = True
    return mask


def ring(outer: float, inner: float) -> np.ndarray:
    y, x = np.mgrid[:90, :90]
    radius = np.hypot(y - 45, x - 45)
    return (radius <= outer) & (radius >= inner)


# Masks at the edge of what is defined: (scale, number, shape, direction, distribution, first cell).
DEGENERATE = {
    "one pixel": (drawn(np.s_[45, 45]), ("tiny", "one", "unclear", "none", "isolated", "center")),
    "the last pixel": (drawn(np.s_[89, 89]), ("tiny", "one", "unclear", "none", "isolated", "bottom-right")),
    "one row": (drawn(np.s_[45, :]), ("small", "one", "linear", "horizontal", "isolated", "left")),
    "one column": (drawn(np.s_[:, 89]), ("small", "one", "linear", "vertical", "isolated", "top-right")),
    "all but one pixel": (~drawn(np.s_[45, 45]), ("extensive", "one", "patch-like", "none", "isolated", "top-left")),
    "the picture's border": (
        ~drawn(np.s_[1:89, 1:89]), ("medium", "one", "curved", "none", "isolated", "top-left"),
    ),
    "a thin ring": (ring(30, 27), ("medium", "one", "curved", "none", "isolated", "top")),
    "a ring around a dot": (
        ring(30, 27) | ring(3, 0), ("medium", "two", "curved", "none", "scattered", "top"),
    ),
    "half of the picture": (
        drawn(np.s_[:45, :]), ("extensive", "one", "patch-like", "horizontal", "isolated", "top-left"),
    ),
    "two far corners": (
        drawn(np.s_[:3, :3], np.s_[87:, 87:]), ("tiny", "two", "spot-like", "none", "scattered", "top-left"),
    ),
    "a thin cross": (
        drawn(np.s_[45, 20:71], np.s_[20:71, 45]), ("small", "one", "diffuse", "none", "isolated", "center"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("mask", "expected"), DEGENERATE.values(), ids=DEGENERATE.keys())
def test_masks_at_the_edge_of_what_is_defined_have_nine_facts_and_a_sentence(mask: np.ndarray, expected: tuple):
    picture = grey((90, 90))
    picture[mask] = 60
    facts = facts_of(mask, picture)
    found = (facts.scale, facts.number, facts.shape, facts.direction, facts.distribution, facts.position[0].cell)
    assert found == expected
    assert (facts.polarity, facts.saliency, facts.contrast) == ("dark", "medium", -40.0)
    assert sum(share.share for share in facts.position) == pytest.approx(1, abs=1e-5)
    region = Region(
        index=0, modality="rgb", xyxy_px=(0, 0, 90, 90), area_px=int(mask.sum()), score=1.0, facts=facts
    )  # fmt: skip
    sentence = region_sentence(region)
    assert sentence.endswith(".")
    assert facts.scale in sentence.lower()
    assert facts.position[0].cell in sentence


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (2, 5)])
def test_every_mask_of_a_tiny_picture_has_facts(size: tuple[int, int]):
    pixels = size[0] * size[1]
    for code in range(min(2**pixels, 1024)):
        mask = np.array([code >> bit & 1 for bit in range(pixels)], np.bool_).reshape(size)
        facts = facts_of(mask, grey(size), mm_per_px=0.1)
        assert sum(share.share for share in facts.position) == pytest.approx(float(mask.any()), abs=1e-5)
        assert (facts.number == "none") == (not mask.any())


def test_every_word_of_every_fact_is_reached():
    """What no mask can be is no word of the vocabulary."""
    reached: dict[str, set[str]] = {}
    masks = [mask for mask, _ in DEGENERATE.values()]
    masks += [blank(), ring(15, 0), drawn(np.s_[30:50, 10:70]), drawn(np.s_[20:60, 20:60])]
    masks += [drawn(np.s_[40:50, 25:65], np.s_[25:65, 40:50])]  # irregular
    masks += [drawn(*[np.s_[15:76, x] for x in (20, 45, 70)], *[np.s_[y, 15:76] for y in (20, 45, 70)])]
    masks += [drawn(*[(slice(20 + 5 * k, 23 + 5 * k),) * 2 for k in range(count)]) for count in (3, 4, 5, 6)]
    masks += [drawn(*[np.s_[20 + i, 20 + i] for i in range(40)])]
    masks += [drawn((slice(30 * y, 30 * y + 20), slice(30 * x, 30 * x + 20))) for y in range(3) for x in range(3)]
    for level in (85, 97, 103, 200):  # against 100: medium dark, neutral, neutral, high bright
        for mask in masks:
            picture = grey((90, 90))
            picture[mask] = level
            facts = facts_of(mask, picture)
            for name in ("scale", "polarity", "saliency", "number", "shape", "direction", "distribution"):
                reached.setdefault(name, set()).add(getattr(facts, name))
            reached.setdefault("position", set()).update(share.cell for share in facts.position)
    words = {
        "scale": Scale, "polarity": Polarity, "saliency": Saliency, "number": Count, "position": Position,
        "shape": Shape, "direction": Direction, "distribution": Distribution,
    }  # fmt: skip
    assert reached == {name: set(get_args(of)) for name, of in words.items()}
