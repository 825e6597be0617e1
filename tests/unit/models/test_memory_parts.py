import math

import numpy as np
import pytest
import torch

from models.memory.bank import build_bank, build_bank_and_leave_out, left_out_at_once
from models.memory.calibration import newcomers_share
from models.memory.coreset import CoresetSettings, in_place_of_each, select_coreset
from models.memory.places import build_places
from models.memory.search import nearest
from models.memory.whitening import WhiteningSettings, fit_whitening

CORESET = CoresetSettings(candidates=4096, projected_dims=16, seed=0)
FULL = WhiteningSettings(dims=8, power=1.0, eigenvalue_floor=1e-6, noise_floor=1e-6)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_search_equals_the_naive_one_across_blocks():
    queries, bank = random(1300, 12), random(77, 12, seed=1)
    naive = (queries[:, None].double() - bank[None].double()).norm(dim=2)
    distances, indices = nearest(queries, bank)
    assert torch.equal(indices, naive.argmin(dim=1))
    assert torch.allclose(distances.double(), naive.amin(dim=1), atol=1e-5)


@pytest.mark.parametrize("size", [1, 127, 128, 129, 300])
def test_the_search_equals_the_naive_one_for_banks_of_any_size(size: int):
    queries, bank = random(40, 12), random(size, 12, seed=1)
    naive = (queries[:, None].double() - bank[None].double()).norm(dim=2)
    distances, indices = nearest(queries, bank)
    assert torch.equal(indices, naive.argmin(dim=1))
    assert torch.allclose(distances.double(), naive.amin(dim=1), atol=1e-5)


def test_of_equally_near_vectors_the_search_finds_the_first():
    bank = random(300, 5).round()
    bank[[7, 150, 151, 290]] = torch.tensor([9.0, 9.0, 9.0, 9.0, 9.0])
    _, indices = nearest(torch.full((1, 5), 9.0), bank)
    assert indices.tolist() == [7]


def test_a_search_for_nothing_finds_nothing():
    distances, indices = nearest(random(0, 3), random(5, 3))
    assert (distances.shape, indices.shape) == ((0,), (0,))


def test_a_small_set_is_kept_whole():
    chosen = select_coreset(random(10, 4), torch.zeros(10, dtype=torch.int64), 16, CORESET)
    assert chosen.tolist() == list(range(10))


def test_the_coreset_has_its_size_no_repeats_and_the_same_members_every_time():
    vectors, sources = random(3000, 6), torch.arange(3000) // 300
    first, second = (select_coreset(vectors, sources, 200, CORESET) for _ in range(2))
    assert torch.equal(first, second)
    assert len(set(first.tolist())) == 200
    assert set(sources[first].tolist()) == set(range(10))  # every image keeps at least one


def test_the_coreset_covers_what_chance_forgets():
    dense, rare = random(2000, 4) * 0.1, random(5, 4, seed=3) + 20 * torch.eye(5, 4)
    vectors, sources = torch.cat([dense, rare]), torch.arange(2005) % 4
    chosen = select_coreset(vectors, sources, 32, CORESET)
    radius = torch.cdist(vectors, vectors[chosen]).amin(dim=1).max()
    assert set(range(2000, 2005)) <= set(chosen.tolist())
    assert float(radius) < 0.5


def test_without_an_image_the_coreset_is_as_large_and_covers_the_others_as_if_that_had_never_been():
    vectors, sources = random(1200, 3), torch.arange(1200) % 4
    keep = select_coreset(vectors, sources, 60, CORESET)
    for image, instead in enumerate(in_place_of_each(vectors, sources, keep, 60, CORESET, images=range(4))):
        without = torch.cat([keep[sources[keep] != image], instead])
        assert len(set(without.tolist())) == 60
        assert not (sources[without] == image).any()
        others = vectors[sources != image]
        afresh = others[select_coreset(others, sources[sources != image] // 2, 60, CORESET)]
        radius, radius_afresh = (
            float(torch.cdist(others, chosen).amin(dim=1).max()) for chosen in (vectors[without], afresh)
        )
        assert radius < 1.25 * radius_afresh


def test_nothing_takes_an_images_place_where_every_vector_was_kept():
    vectors, sources = random(20, 3), torch.arange(20) % 2
    keep = select_coreset(vectors, sources, 20, CORESET)
    assert [len(instead) for instead in in_place_of_each(vectors, sources, keep, 20, CORESET, images=range(2))] == [
        0,
        0,
    ]


@pytest.mark.parametrize("size", [240, 2400], ids=["a tenth of the patches", "all patches"])
def test_a_reference_left_out_looks_no_stranger_than_a_new_part(size: int):
    # The share of new images whose largest ratio exceeds that of all 24: 1 in 25, .04. Eight draws of 24 references and
    # 100 new images scatter by sqrt(.04 x .96 x 125 / 26 / 100 / 8) = .015.
    above = []
    for draw in range(8):
        images = [random(100, 4, seed=10_000 * draw + seed) for seed in range(24)]
        sources = torch.arange(24).repeat_interleave(100)
        bank, once, twice = build_bank_and_leave_out(torch.cat(images), sources, CORESET, max_vectors=size)
        assert twice is not None
        known, fewer = (each.ratios.view(-1, 100).amax(dim=1).tolist() for each in (once, twice))
        limit = max(known) * newcomers_share(known, fewer, references=24)
        new = torch.stack([random(100, 4, seed=10_000 * draw + 1000 + seed) for seed in range(100)])
        above.append(float((bank.ratios(new.view(-1, 4)).view(100, 100).amax(dim=1) > limit).float().mean()))
    assert np.mean(above) == pytest.approx(0.04, abs=0.03), above


def test_the_next_image_is_left_out_as_well_to_see_what_one_more_is_worth():
    # Four images of one value each, all kept: 0, 1, 10, 100. Without itself the nearest to 0 is 1; without 1, too, 10.
    patches = torch.tensor([[0.0], [1.0], [10.0], [100.0]])
    bank, once, twice = build_bank_and_leave_out(patches, torch.arange(4), CORESET, max_vectors=10)
    assert len(bank.vectors) == 4
    assert once.nearest[:, 0].tolist() == [1.0, 0.0, 1.0, 10.0]
    assert twice is not None
    assert twice.nearest[:, 0].tolist() == [10.0, 0.0, 1.0, 10.0]
    assert build_bank_and_leave_out(patches[:2], torch.arange(2), CORESET, max_vectors=10)[2] is None


def test_of_many_images_neighbours_are_left_out_together():
    # 45 images: three at a time, so the nearest to 0, 1 and 2 is 3, and to 5 it is 6.
    patches = torch.arange(45.0)[:, None]
    _, once, twice = build_bank_and_leave_out(patches, torch.arange(45), CORESET, max_vectors=100)
    assert left_out_at_once(45) == 3
    assert once.nearest[[0, 1, 2, 5], 0].tolist() == [3.0, 3.0, 3.0, 6.0]
    assert twice is not None
    assert twice.nearest[:3, 0].tolist() == [6.0, 6.0, 6.0]
    assert len(twice.ratios) == 12  # the first four groups


def test_candidates_beyond_the_bound_are_left_out_evenly():
    settings = CoresetSettings(candidates=64, projected_dims=4, seed=0)
    sources = torch.cat([torch.zeros(1000, dtype=torch.int64), torch.ones(100, dtype=torch.int64)])
    chosen = select_coreset(random(1100, 4), sources, 64, settings)
    assert len(chosen) == 64
    # A quarter, 16, are the rarest, wherever they are; of the other 48 each image has a half.
    assert int((sources[chosen] == 0).sum()) >= 24
    assert int((sources[chosen] == 1).sum()) >= 24


def test_what_is_rare_among_more_patches_than_there_are_candidates_is_not_left_to_chance():
    """A corner of a large picture is one patch of ten thousand: a memory without it finds corners on every part."""
    settings = CoresetSettings(candidates=256, projected_dims=4, seed=0)
    usual, rare = random(20_000, 4) * 0.1, random(4, 4, seed=3) * 0.1 + 5 * torch.eye(4)
    vectors, sources = torch.cat([usual, rare]), torch.arange(20_004) // 10_002
    chosen = select_coreset(vectors, sources, 64, settings)
    assert {20_000, 20_001, 20_002, 20_003} <= set(chosen.tolist())


def test_the_greedy_choice_is_the_one_that_looks_at_every_patch_each_time():
    vectors = random(3000, 8)
    settings = CoresetSettings(candidates=4000, projected_dims=8, seed=0)
    chosen = select_coreset(vectors, torch.zeros(3000, dtype=torch.int64), 300, settings)
    generator = torch.Generator().manual_seed(0)
    first = int(torch.randperm(3000, generator=generator)[0])
    points = vectors @ torch.randn(8, 8, generator=generator)
    plain, distance = [first], torch.cdist(points, points[[first]])[:, 0]
    for _ in range(299):
        plain.append(int(distance.argmax()))
        distance = torch.minimum(distance, torch.cdist(points, points[[plain[-1]]])[:, 0])
    assert sorted(plain) == chosen.tolist()


def test_whitening_gives_unit_uncorrelated_directions():
    mixed = random(5000, 3) @ torch.tensor([[3.0, 1.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.01]]) + 5
    white = fit_whitening(mixed, FULL)(mixed)
    assert torch.allclose(torch.cov(white.T), torch.eye(3), atol=1e-3)
    assert torch.allclose(white.mean(dim=0), torch.zeros(3), atol=1e-3)


def test_a_feature_without_variance_is_not_blown_up():
    vectors = torch.cat([random(100, 2), torch.full((100, 1), 0.5)], dim=1)
    settings = WhiteningSettings(dims=3, power=0.5, eigenvalue_floor=1e-4, noise_floor=1e-3)
    whitening = fit_whitening(vectors, settings)
    one_count_off = vectors[:1] + torch.tensor([[0.0, 0.0, 1e-4]])
    assert float((whitening(one_count_off) - whitening(vectors[:1])).norm()) < 1.1


def test_leave_one_out_ratios_ignore_the_images_own_vectors():
    # Two images agree, the third is alone 10 away: against its own vectors it would lie at 0.
    patches = torch.cat([random(50, 3) * 0.1, random(50, 3, seed=1) * 0.1, random(50, 3, seed=2) * 0.1 + 10])
    sources = torch.arange(3).repeat_interleave(50)
    bank, left_out, _ = build_bank_and_leave_out(patches, sources, CORESET, max_vectors=1000)
    assert float(left_out.ratios[100:].min()) > 3 * float(left_out.ratios[:100].max())
    assert float(bank.ratios(patches).max()) < 1e-2  # with its own vectors each patch lies at 0


def test_the_reach_forgives_where_good_parts_vary():
    # Around (0, 0) good parts agree to 0.1, around (100, 0) to 2: the same distance means less there.
    images = []
    for seed in range(8):
        calm = random(40, 2, seed=seed) * 0.1
        wild = random(40, 2, seed=100 + seed) * 2 + torch.tensor([100.0, 0.0])
        images.append(torch.cat([calm, wild]))
    sources = torch.arange(8).repeat_interleave(80)
    bank = build_bank(torch.cat(images), sources, CORESET, max_vectors=64)
    calm, wild = bank.vectors[:, 0] < 50, bank.vectors[:, 0] >= 50
    assert float(bank.reach[wild].mean()) > 1.5 * float(bank.reach[calm].mean())


def test_identical_references_do_not_make_noise_infinitely_unusual():
    patches = random(60, 4).repeat(3, 1)
    bank, left_out, _ = build_bank_and_leave_out(
        patches, torch.arange(3).repeat_interleave(60), CORESET, max_vectors=1000
    )
    assert float(left_out.ratios.max()) < 0.1
    assert float(bank.ratios(patches[:60] + 0.01).max()) < 1.0


def test_a_place_knows_what_belongs_there():
    patches = random(8, 2, 1, 3) * 0.1
    patches[:, 0, 0, 1] += 5.0  # a mark at place 1
    valid = torch.ones(8, 1, 3, dtype=torch.bool)
    places, left_out = build_places(patches, valid)
    blank = torch.zeros(2, 1, 3)
    ratios = places.ratios(blank)
    assert float(ratios[0, 1]) > 20
    assert float(ratios[0, [0, 2]].max()) < 2
    assert left_out.shape == (8, 1, 3)
    assert float(left_out.mean()) == pytest.approx(1.0, abs=0.3)


def test_leaving_an_image_out_of_its_place_by_hand():
    # Values 0, 0, 0, 4 in one dimension: without the last the mean is 0, so it lies 4 off.
    patches = torch.tensor([0.0, 0.0, 0.0, 4.0]).view(4, 1, 1, 1)
    places, left_out = build_places(patches, torch.ones(4, 1, 1, dtype=torch.bool))
    # off = |x - 1| * 4 / 3 = 4/3, 4/3, 4/3, 4; squares sum to 64/3; typical = 16/3
    others = math.sqrt((64 / 3 - 16 + 4 * 16 / 3) / (3 + 4))
    assert float(left_out[3, 0, 0]) == pytest.approx(4 / others, rel=1e-5)
    assert float(places.spread[0, 0]) == pytest.approx(math.sqrt((64 / 3 + 64 / 3) / 8), rel=1e-5)


def test_a_place_that_one_image_alone_could_see_is_not_judged():
    valid = torch.zeros(4, 1, 2, dtype=torch.bool)
    valid[:, 0, 0] = True
    valid[0, 0, 1] = True
    places, left_out = build_places(random(4, 3, 1, 2), valid)
    assert float(places.ratios(torch.full((3, 1, 2), 99.0))[0, 1]) == 0.0
    assert np.isfinite(left_out.numpy()).all()
