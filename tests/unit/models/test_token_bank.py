"""One bank for all token recipes, searched for many lines at once (SYSTEMS C 15, 19)."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from lineside.bench.extra_memory import extra_bytes
from models.memory.coreset import CoresetSettings
from models.memory.many_banks import (
    cosine_distance_by_blocks,
    cosine_distance_in_each,
    nearest_by_blocks,
    nearest_in_each,
)
from models.memory.token_bank import WHOLE, TokenBank, build_token_bank, cosine_distances, most_alike, whole_picture
from wire.errors import ShapeError

CPU = torch.device("cpu")
SETTINGS = CoresetSettings(candidates=4096, projected_dims=8, seed=0)


def random(count: int, dims: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(count, dims, generator=torch.Generator().manual_seed(seed)), dim=1)


def reference(seed: int, places: int = 20) -> dict[int, Tensor]:
    return {3: random(places, 6, seed), 8: random(places, 6, seed + 100), 12: random(places, 4, seed + 200)}


def brute_force(queries: Tensor, bank: Tensor) -> Tensor:
    return torch.tensor([min(1 - float(query @ vector) for vector in bank.double()) for query in queries.double()])


SIZES = [(5, 3), (1, 1), (17, 40), (0, 7), (32, 16), (33, 17)]


@pytest.mark.parametrize("blocks", [(4, 8, 3), (16, 16, 1), (64, 64, 100)])
def test_many_lines_in_blocks_find_what_a_loop_over_all_pairs_finds(blocks: tuple[int, int, int]):
    queries = [random(count, 6, seed) for seed, (count, _) in enumerate(SIZES)]
    banks = [random(size, 6, seed + 50) for seed, (_, size) in enumerate(SIZES)]
    rows, columns, pairs = blocks
    by_blocks = cosine_distance_by_blocks(queries, banks, rows=rows, columns=columns, pairs=pairs)
    for found, others, own, bank in zip(
        by_blocks, cosine_distance_in_each(queries, banks), queries, banks, strict=True
    ):
        torch.testing.assert_close(found, brute_force(own, bank), rtol=0, atol=1e-6)
        torch.testing.assert_close(found, others, rtol=0, atol=1e-6)


@pytest.mark.parametrize("blocks", [(4, 8, 3), (16, 16, 1), (64, 64, 100)])
def test_many_lines_in_blocks_find_the_nearest_vectors_that_a_loop_over_all_pairs_finds(blocks: tuple[int, int, int]):
    generator = torch.Generator().manual_seed(0)
    queries = [torch.randn(count, 6, generator=generator) for count, _ in SIZES]
    banks = [torch.randn(size, 6, generator=generator) for _, size in SIZES]
    banks[2][30] = banks[2][7]  # equally near: the first one counts
    rows, columns, pairs = blocks
    by_blocks = nearest_by_blocks(queries, banks, rows=rows, columns=columns, pairs=pairs)
    for found, alone, own, bank in zip(by_blocks, nearest_in_each(queries, banks), queries, banks, strict=True):
        expected = torch.cdist(own.double(), bank.double())
        for distances, indices in (found, alone):
            assert indices.tolist() == expected.argmin(dim=1).tolist()
            torch.testing.assert_close(distances.double(), expected.amin(dim=1), rtol=0, atol=1e-5)
    with pytest.raises(ShapeError, match=r"queries of shape \(5, 6\) against a bank of shape \(3, 5\)"):
        nearest_in_each(queries[:1], [banks[0][:, :5]])


@pytest.mark.parametrize("blocks", [(4, 8, 3), (16, 20, 1), (64, 64, 100), (64, 3, 7)])
def test_many_lines_in_blocks_find_the_nearest_of_every_group(blocks: tuple[int, int, int]):
    group, sizes = 4, [(5, 12), (1, 4), (17, 40), (0, 8), (33, 100)]
    queries = [random(count, 6, seed) for seed, (count, _) in enumerate(sizes)]
    banks = [random(size, 6, seed + 50) for seed, (_, size) in enumerate(sizes)]
    rows, columns, pairs = blocks
    by_blocks = cosine_distance_by_blocks(queries, banks, group=group, rows=rows, columns=columns, pairs=pairs)
    alone = cosine_distance_in_each(queries, banks, group=group)
    for found, others, own, bank in zip(by_blocks, alone, queries, banks, strict=True):
        expected = torch.stack([brute_force(own, each) for each in torch.split(bank, group)], dim=1)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
        torch.testing.assert_close(others, expected, rtol=0, atol=1e-6)
    with pytest.raises(ShapeError, match="a bank of 12 vectors is no groups of 5"):
        cosine_distance_in_each(queries, banks, group=5)


def test_the_memory_of_a_search_by_group_is_that_of_its_chunk():
    """Beside the answers, and whatever the number of pictures."""
    bank = random(4096, 32, 0)

    def beyond_answers(pictures: int) -> int:
        queries = random(256, 32, 1).repeat(pictures, 1)
        answers = len(queries) * len(bank) // 256 * 4
        return extra_bytes(lambda: cosine_distance_in_each([queries], [bank], group=256)) - answers

    beyond_answers(64)  # what a first call reserves for good
    chunk = 256 * len(bank) * 4
    assert beyond_answers(64) < 2 * chunk


def test_queries_of_another_width_are_refused():
    with pytest.raises(ShapeError, match=r"queries of shape \(2, 5\) against a bank of shape \(3, 6\)"):
        cosine_distance_in_each([torch.zeros(2, 5)], [torch.zeros(3, 6)])


def test_cosine_distances_by_hand():
    bank = TokenBank(vectors={3: torch.tensor([[1.0, 0.0], [0.0, 1.0]])}, owners={3: torch.tensor([0, 0])})
    tokens = {3: torch.tensor([[[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0], [-0.6, -0.8]]])}
    (distances,) = cosine_distances(tokens, [bank])
    assert distances[:, 0].tolist() == pytest.approx([0.0, 0.2, 1.0, 1.6], abs=1e-6)


def test_distances_lie_between_zero_and_two_and_copies_of_references_change_nothing():
    references = [reference(seed) for seed in range(3)]
    once = build_token_bank(references, SETTINGS, max_vectors=4096)
    thrice = build_token_bank(references * 3, SETTINGS, max_vectors=4096)
    query = {layer: tokens[None] for layer, tokens in reference(77).items()}
    (first,), (second,) = cosine_distances(query, [once]), cosine_distances(query, [thrice])
    torch.testing.assert_close(first, second, rtol=0, atol=1e-6)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 2
    opposite = TokenBank(vectors={1: random(1, 6, 0)}, owners={1: torch.tensor([0])})
    assert float(cosine_distances({1: -opposite.vectors[1][None]}, [opposite])[0]) == pytest.approx(2)


def test_a_line_never_sees_another_lines_bank():
    few = build_token_bank([reference(0)], SETTINGS, max_vectors=4096)
    many = build_token_bank([reference(seed) for seed in range(10, 20)], SETTINGS, max_vectors=4096)
    query = {layer: torch.stack([tokens, tokens]) for layer, tokens in reference(5).items()}
    together = cosine_distances(query, [few, many])
    alone = [cosine_distances({layer: t[:1] for layer, t in query.items()}, [bank])[0] for bank in (few, many)]
    for own, expected in zip(together, alone, strict=True):
        assert torch.equal(own, expected)
    assert not torch.allclose(together[0], together[1])


def test_a_bank_is_bounded_and_a_function_of_its_references():
    references = [reference(seed) for seed in range(12)]
    first, again = (build_token_bank(references, SETTINGS, max_vectors=50) for _ in range(2))
    for layer in (3, 8, 12):
        assert len(first.vectors[layer]) == 50
        assert torch.equal(first.vectors[layer], again.vectors[layer])
        assert set(first.owners[layer].tolist()) == set(range(12))
    assert first.references == 12


def test_a_bank_survives_being_stored():
    bank = build_token_bank([reference(seed) for seed in range(3)], SETTINGS, max_vectors=30)
    stored = bank.tensors("rgb")
    assert all(tensor.dtype == np.float32 for tensor in stored.values())
    back = TokenBank.from_tensors(stored | {"depth.layer3_bank": np.zeros((1, 1), np.float32)}, "rgb", CPU)
    assert list(back.vectors) == [3, 8, 12]
    for layer in back.vectors:
        assert torch.equal(back.vectors[layer], bank.vectors[layer])
        assert torch.equal(back.owners[layer], bank.owners[layer])
    with pytest.raises(KeyError, match=r"ir\.layerN_bank"):
        TokenBank.from_tensors(stored, "ir", CPU)


def test_leaving_a_reference_out_is_a_bank_that_never_had_it():
    references = [reference(seed) for seed in range(3)]
    without = build_token_bank(references, SETTINGS, max_vectors=4096).without(1)
    never = build_token_bank([references[0], references[2]], SETTINGS, max_vectors=4096)
    for layer in without.vectors:
        assert torch.equal(without.vectors[layer], never.vectors[layer])


def test_the_reference_whose_picture_as_a_whole_lies_nearest_by_hand():
    bank = TokenBank(vectors={WHOLE: torch.tensor([[1.0, 0.0], [0.6, 0.8]])}, owners={WHOLE: torch.tensor([7, 9])})
    # Tokens (0, 1) and (1, 1) have the mean (0.5, 1): nearer to (0.6, 0.8) than to (1, 0).
    tokens = {3: torch.tensor([[0.0, 1.0], [1.0, 1.0]])}
    assert whole_picture(tokens)[0].tolist() == pytest.approx([0.5 / 1.25**0.5, 1 / 1.25**0.5])
    assert most_alike(tokens, bank) == 9
    assert most_alike(tokens, TokenBank(vectors={3: bank.vectors[WHOLE]}, owners={3: bank.owners[WHOLE]})) is None
