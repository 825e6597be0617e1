"""SYSTEMS part C, rows 12 and 13, and A.6 Q6, Q7: whole references, and the one that a part resembles most."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.memory.coreset import CoresetSettings
from models.memory.self_prompt import Closest, Match, closest_references, whole_references
from models.memory.token_bank import TokenBank
from wire.errors import ShapeError

CORESET = CoresetSettings(candidates=1024, projected_dims=8, seed=0)
SIDE, LAYERS = 4, {3: 6, 8: 6, 12: 5}


def picture(seed: int) -> dict[int, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        layer: F.normalize(torch.randn(SIDE * SIDE, dim, generator=generator), dim=1) for layer, dim in LAYERS.items()
    }


def turned(tokens: dict[int, Tensor], turn: int) -> dict[int, Tensor]:
    return {
        layer: each.view(SIDE, SIDE, -1).rot90(turn, (0, 1)).reshape(SIDE * SIDE, -1) for layer, each in tokens.items()
    }


def bank(pictures: Sequence[dict[int, Tensor]], turns: int = 1, most: int = 10_000) -> TokenBank:
    return whole_references(
        [[turned(each, turn) for turn in range(turns)] for each in pictures], CORESET, max_vectors=most
    )


def closest_reference(query: dict[int, Tensor], memory: TokenBank, *, match: Match, turns: int) -> Closest:
    (closest,) = closest_references([query], [memory], matches=[match], turns=turns)
    return closest


def noisy(tokens: dict[int, Tensor], amount: float) -> dict[int, Tensor]:
    generator = torch.Generator().manual_seed(99)
    return {
        layer: F.normalize(each + amount * torch.randn(each.shape, generator=generator), dim=1)
        for layer, each in tokens.items()
    }


@pytest.mark.parametrize("match", list(Match))
def test_a_stored_reference_is_its_own_closest_at_distance_zero(match: Match):
    pictures = [picture(seed) for seed in range(5)]
    found = closest_reference(pictures[3], bank(pictures), match=match, turns=1)
    assert (found.reference, found.turn) == (3, 0)
    assert found.maps.shape == (3, 16)
    assert float(found.maps.max()) < (1e-6 if match is Match.ALIGNED else 2e-3)


@pytest.mark.parametrize("match", list(Match))
def test_a_worse_reference_never_changes_the_choice_or_the_maps(match: Match):
    query = picture(1)
    few = [noisy(query, 0.3), picture(2)]
    more = [*few, picture(3), picture(4)]
    first, second = (closest_reference(query, bank(each), match=match, turns=1) for each in (few, more))
    assert first.reference == second.reference == 0
    assert torch.equal(first.maps, second.maps)


def test_other_order_of_references_other_index():
    pictures = [picture(seed) for seed in range(4)]
    query = noisy(pictures[2], 0.1)
    order = [3, 2, 0, 1]
    assert closest_reference(query, bank(pictures), match=Match.ALIGNED, turns=1).reference == 2
    reordered = bank([pictures[index] for index in order])
    assert closest_reference(query, reordered, match=Match.ALIGNED, turns=1).reference == order.index(2)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_turned_copy_is_known_by_four_turns_and_not_by_one(turn: int):
    pictures = [picture(seed) for seed in range(3)]
    query = turned(pictures[1], turn)
    four = closest_reference(query, bank(pictures, turns=4), match=Match.ALIGNED, turns=4)
    assert (four.reference, four.turn) == (1, turn)
    assert float(four.maps.max()) < 1e-6
    one = closest_reference(query, bank(pictures), match=Match.ALIGNED, turns=1)
    assert (float(one.maps.max()) < 1e-6) == (turn == 0)


def test_a_shift_by_one_patch_is_seen_by_aligned_matching_alone():
    stored = picture(1)
    shifted = {layer: each.view(SIDE, SIDE, -1).roll(1, 1).reshape(16, -1) for layer, each in stored.items()}
    nearest = closest_reference(shifted, bank([stored]), match=Match.NEAREST, turns=1).maps
    aligned = closest_reference(shifted, bank([stored]), match=Match.ALIGNED, turns=1).maps
    assert float(nearest.max()) < 2e-3
    assert float(aligned.min()) > 0.1


def test_the_nearest_place_is_never_farther_than_the_same_place():
    memory = bank([picture(1)])
    nearest = closest_reference(picture(2), memory, match=Match.NEAREST, turns=1).maps
    aligned = closest_reference(picture(2), memory, match=Match.ALIGNED, turns=1).maps
    assert (nearest <= aligned + 1e-6).all()
    assert (nearest < aligned - 0.01).any()


def test_with_a_single_token_both_matchings_are_one():
    stored, query = ({3: picture(seed)[3][:1]} for seed in (1, 2))
    memory = whole_references([[stored]], CORESET, max_vectors=10)
    nearest = closest_reference(query, memory, match=Match.NEAREST, turns=1).maps
    aligned = closest_reference(query, memory, match=Match.ALIGNED, turns=1).maps
    # Not torch's own comparison: it loads torch.distributed first, for half a minute on a busy machine.
    np.testing.assert_allclose(nearest.numpy(), aligned.numpy(), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("match", list(Match))
def test_the_maps_are_those_of_a_plain_loop(match: Match):
    pictures, query = [picture(seed) for seed in range(3)], picture(9)
    sums = []
    for each in pictures:
        total = 0.0
        for layer, tokens in query.items():
            for place, token in enumerate(tokens):
                others = each[layer][place : place + 1] if match is Match.ALIGNED else each[layer]
                total += float((others - token).norm(dim=1).min())
        sums.append(total)
    found = closest_reference(query, bank(pictures), match=match, turns=1)
    assert found.reference == sums.index(min(sums))
    assert float(found.maps.sum()) == pytest.approx(min(sums), rel=1e-5)


def test_a_bounded_memory_keeps_whole_references_that_are_unlike_each_other():
    first, second = picture(1), picture(2)
    crowd = [first, *(noisy(first, 0.001) for _ in range(6)), second]
    memory = bank(crowd, most=2 * 16)
    assert all(len(vectors) == 32 for vectors in memory.vectors.values())
    assert memory.references == 2
    assert memory.keeps(7)
    again = bank(crowd, most=2 * 16)
    assert all(torch.equal(again.vectors[layer], memory.vectors[layer]) for layer in LAYERS)
    with pytest.raises(ValueError, match="a memory of 15 vectors holds no whole reference of 1 turns of 16 tokens"):
        bank(crowd, most=15)


def test_what_is_no_whole_reference_is_refused():
    memory = bank([picture(1)])
    with pytest.raises(ShapeError, match=r"16 vectors are no whole references of 1 turns of 15 tokens"):
        closest_reference({k: v[:15] for k, v in picture(1).items()}, memory, match=Match.ALIGNED, turns=1)
    with pytest.raises(ShapeError, match=r"the part has layers \[3\], the memory \[3, 8, 12\]"):
        closest_reference({3: picture(1)[3]}, memory, match=Match.ALIGNED, turns=1)


def test_parts_of_many_lines_find_together_what_each_finds_alone():
    banks = [bank([picture(10 * line + seed) for seed in range(size)], turns=2) for line, size in enumerate((4, 1, 40))]
    queries = [noisy(turned(picture(seed), 1), 0.2) for seed in (2, 10, 37)]
    matches = [Match.NEAREST, Match.ALIGNED, Match.NEAREST]
    together = closest_references(queries, banks, matches=matches, turns=2)
    for query, memory, match, found in zip(queries, banks, matches, together, strict=True):
        alone = closest_reference(query, memory, match=match, turns=2)
        assert torch.equal(found.maps, alone.maps)
        assert (found.reference, found.turn) == (alone.reference, alone.turn)
    assert [int(found.reference) for found in together] == [2, 0, 17]
    assert together[1].turn == 1  # of turned references the nearest tokens are the same ones
    assert closest_references([], [], matches=[], turns=2) == []
