import numpy as np
import pytest
import torch

from models.backbones.student import StudentFeatures
from models.memory.coreset import CoresetSettings
from models.memory.feature_learning import MIRRORS, build_feature_memory
from models.memory.feature_memory import FeatureMemory, compare_in_memories, on_coarse_grid
from wire.errors import ShapeError

CORESET = CoresetSettings(candidates=1000, projected_dims=4, seed=0)


def features(seed: int, *, offset: float = 0.0) -> StudentFeatures:
    """Fine 4 x 6 cells of 3 values, coarse 2 x 3 cells of 2 values."""
    generator = torch.Generator().manual_seed(seed)
    return StudentFeatures(
        fine=torch.randn(1, 3, 4, 6, generator=generator) + offset,
        coarse=torch.randn(1, 2, 2, 3, generator=generator) + offset,
        detail=torch.zeros(1, 1, 8, 12),
    )


def test_a_part_that_was_a_reference_differs_in_nothing():
    references = [features(0), features(1)]
    memory, _ = build_feature_memory(references, [None, None], CORESET, max_vectors=1000)
    same = memory.compare(references[1])
    assert float(same.fine.ratio.max()) < 1e-2
    assert float(same.coarse.vector.abs().max()) < 1e-6


def test_the_difference_points_from_the_nearest_good_patch_to_the_part():
    references = [features(0), features(1)]
    memory, _ = build_feature_memory(references, [None, None], CORESET, max_vectors=1000)
    moved = StudentFeatures(fine=references[0].fine.clone(), coarse=references[0].coarse, detail=references[0].detail)
    moved.fine[0, :, 2, 5] += torch.tensor([0.01, 0.0, -0.02])
    compared = memory.compare(moved)
    assert compared.fine.vector[:, 2, 5].tolist() == pytest.approx([0.01, 0.0, -0.02], abs=1e-6)
    assert float(compared.fine.ratio[2, 5]) == float(compared.fine.ratio.max()) > 0


def test_a_reference_left_out_is_compared_with_the_others_only():
    references = [features(0), features(0), features(2, offset=10.0)]
    _, left_out = build_feature_memory(references, [None] * 3, CORESET, max_vectors=1000)
    assert float(left_out.once[0].fine.ratio.max()) < 1e-2  # its twin is still there
    assert float(left_out.once[2].fine.ratio.min()) > 2  # its own patches do not help it


def test_a_single_reference_is_left_out_by_quarters():
    one = features(3)
    one.fine[0, :, :2, :3] += 50.0  # the first quarter is unlike the three others
    _, left_out = build_feature_memory([one], [None], CORESET, max_vectors=1000)
    ratio = left_out.once[0].fine.ratio
    assert float(ratio[:2, :3].min()) > 3 * float(ratio[2:, 3:].max())


def halves(left: float, right: float, seed: int) -> StudentFeatures:
    """Left and right half of a picture differ from one another, and hardly from picture to picture."""
    plain = features(seed)
    fine, coarse = 0.03 * plain.fine, 0.03 * plain.coarse
    fine[..., :3] += left
    fine[..., 3:] += right
    return StudentFeatures(fine=fine, coarse=coarse, detail=plain.detail)


@pytest.mark.parametrize(("aligned", "stranger"), [(True, 3.0), (False, 1.0)])
def test_in_a_fixture_what_is_good_elsewhere_is_strange_here(aligned: bool, stranger: float):
    references = [halves(-0.5, 0.5, seed) for seed in range(4)]
    memory, _ = build_feature_memory(references, [None] * 4, CORESET, max_vectors=1000, aligned=aligned)
    good, turned = (memory.compare(halves(*sides, seed=9)) for sides in ((-0.5, 0.5), (0.5, -0.5)))
    ratio = float(turned.fine.ratio.mean()) / float(good.fine.ratio.mean())
    assert ratio > stranger if aligned else ratio == pytest.approx(stranger, rel=0.5)
    assert good.fine.vector.shape == (3, 4, 6)  # places are no features


def test_places_survive_a_line_state_and_pictures_of_another_size():
    references = [halves(-0.5, 0.5, seed) for seed in range(4)]
    memory, _ = build_feature_memory(references, [None] * 4, CORESET, max_vectors=1000, aligned=True)
    again = FeatureMemory.from_tensors(memory.tensors("image.rgb"), "image.rgb", torch.device("cpu"))
    part = halves(-0.5, 0.5, seed=9)
    assert torch.equal(again.compare(part).fine.ratio, memory.compare(part).fine.ratio)
    twice, turned = (
        StudentFeatures(**{name: enlarged(getattr(one, name)) for name in ("fine", "coarse", "detail")})
        for one in (part, halves(0.5, -0.5, seed=9))
    )
    assert float(memory.compare(turned).fine.ratio.mean()) > 1.5 * float(memory.compare(twice).fine.ratio.mean())


def enlarged(planes: torch.Tensor) -> torch.Tensor:
    return planes.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def mirrored(one: StudentFeatures, axes: tuple[int, ...]) -> StudentFeatures:
    return StudentFeatures(
        fine=torch.flip(one.fine, axes), coarse=torch.flip(one.coarse, axes), detail=torch.flip(one.detail, axes)
    )


def test_a_quarter_is_left_out_together_with_its_mirror_images():
    plain = features(0)
    for number, (down, right) in enumerate([(0, 0), (0, 3), (2, 0), (2, 3)]):
        plain.fine[0, :, down : down + 2, right : right + 3] = 10.0 * number
    views = [plain, *(mirrored(plain, axes) for axes in MIRRORS)]
    memory, left_out = build_feature_memory(views, [None] * 4, CORESET, max_vectors=1000, mirrored=True)
    assert len(memory.fine.vectors) == 4 * 24
    assert len(left_out.once) == 1
    # Each quarter is alike throughout: the nearest vector is another quarter's, 10 away in each of three values.
    assert left_out.once[0].fine.vector.abs().min() >= 10


def test_a_memory_that_cannot_keep_all_views_leaves_a_part_out_by_choosing_again_without_it():
    parts = [features(0), features(1), features(2, offset=10.0)]
    views = [*parts, *(mirrored(part, axes) for axes in MIRRORS for part in parts)]
    memory, left_out = build_feature_memory(views, [None] * 12, CORESET, max_vectors=12, mirrored=True)
    assert len(memory.fine.vectors) == 12
    assert len(left_out.once) == 3
    # Three values, 10 away each: of the third part and its mirror images nothing is left to be near to.
    assert float(left_out.once[2].fine.vector.norm(dim=0).min()) > 10
    assert float(left_out.once[0].fine.vector.norm(dim=0).max()) < 10


def test_what_looks_the_same_either_way_round_is_known_closely():
    def turned_into_itself(seed: int) -> StudentFeatures:
        one = features(seed)
        turns = [one, *(mirrored(one, axes) for axes in MIRRORS)]
        fine, coarse = (torch.stack([getattr(each, name) for each in turns]).mean(dim=0) for name in ("fine", "coarse"))
        return StudentFeatures(fine=fine, coarse=coarse, detail=one.detail)

    parts = [turned_into_itself(0), turned_into_itself(1)]
    views = [*parts, *(mirrored(part, axes) for axes in MIRRORS for part in parts)]
    alike, _ = build_feature_memory(views, [None] * 8, CORESET, max_vectors=1000, mirrored=True)
    plain, _ = build_feature_memory(parts, [None] * 2, CORESET, max_vectors=1000)
    # Each place finds itself in a mirror image of its own part, and only something like itself in the other part.
    assert float(alike.fine.reach.max()) < float(plain.fine.reach.min())


def test_two_references_that_are_alike_but_not_their_own_mirror_images_lie_as_far_apart_as_usual():
    """In each view both parts show one pattern, .1 apart; what two views of a part show has little in common."""
    patterns = [features(turn, offset=5.0 * turn) for turn in range(4)]
    views = []
    for turn, pattern in enumerate(patterns):
        other = features(10 + turn)
        nearly = StudentFeatures(
            fine=pattern.fine + 0.1 * other.fine, coarse=pattern.coarse + 0.1 * other.coarse, detail=other.detail
        )
        views += [pattern, nearly]
    _, left_out = build_feature_memory(views, [None] * 8, CORESET, max_vectors=1000, mirrored=True)
    # Compared with how far the one that is left lies from its own mirror images they would be about .02.
    assert [float(own.fine.ratio.median()) for own in left_out.once] == pytest.approx([1, 1], abs=0.3)


@pytest.mark.parametrize("count", [1, 3])
def test_a_memory_of_all_patches_compares_many_images_as_one_built_in_service_compares_each(count: int):
    references = [features(seed) for seed in range(count)]
    built, _ = build_feature_memory(references, [None] * count, CORESET, max_vectors=1000)
    asked = [features(10), features(11)]
    both = StudentFeatures(
        **{scale: torch.cat([getattr(own, scale) for own in asked]) for scale in ("fine", "coarse", "detail")}
    )
    for found, own in zip(FeatureMemory.of_all(references).compare_all(both), asked, strict=True):
        wanted = built.compare(own)
        for scale in ("fine", "coarse"):
            assert torch.allclose(getattr(found, scale).ratio, getattr(wanted, scale).ratio, atol=1e-5)
            assert torch.allclose(getattr(found, scale).vector, getattr(wanted, scale).vector, atol=1e-5)


def test_places_without_returns_neither_enter_the_bank_nor_are_judged():
    valid = torch.ones(4, 6, dtype=torch.bool)
    valid[:, 4:] = False
    references = [features(0), features(1)]
    memory, _ = build_feature_memory(references, [valid, valid], CORESET, max_vectors=1000)
    assert len(memory.fine.vectors) == 2 * 4 * 4
    assert len(memory.coarse.vectors) == 2 * 2 * 2
    compared = memory.compare(features(5), valid)
    assert float(compared.fine.ratio[:, 4:].abs().max()) == 0
    assert float(compared.fine.ratio[:, :4].min()) > 0


def test_a_coarse_cell_counts_where_any_of_its_fine_cells_does():
    valid = torch.zeros(4, 6, dtype=torch.bool)
    valid[3, 5] = True
    coarse = on_coarse_grid(valid, features(0).coarse)
    assert coarse is not None
    assert coarse.tolist() == [[False, False, False], [False, False, True]]


def test_a_memory_survives_its_tensors():
    references = [features(0), features(1)]
    memory, _ = build_feature_memory(references, [None, None], CORESET, max_vectors=10)
    read = FeatureMemory.from_tensors(memory.tensors("rgb"), "rgb", torch.device("cpu"))
    assert len(read.fine.vectors) == 10
    first, second = memory.compare(features(4)), read.compare(features(4))
    assert np.array_equal(first.fine.ratio, second.fine.ratio)
    assert np.array_equal(first.coarse.vector, second.coarse.vector)


def test_nothing_valid_makes_no_memory():
    nothing = torch.zeros(4, 6, dtype=torch.bool)
    with pytest.raises(ValueError, match="too few valid patches"):
        build_feature_memory([features(0)], [nothing], CORESET, max_vectors=10)


def test_features_of_another_model_are_refused():
    memory, _ = build_feature_memory([features(0)], [None], CORESET, max_vectors=100)
    other = StudentFeatures(fine=torch.zeros(1, 4, 4, 6), coarse=features(0).coarse, detail=features(0).detail)
    with pytest.raises(ShapeError, match="features have 4 channels, the memory has 3"):
        memory.compare(other)


def test_images_of_many_lines_are_compared_as_each_is_alone():
    """Two lines and an image without a memory, one image with a hole: the same patches are nearest, and as far.

    But for the last digit: a product of another size may round another way.
    """
    lines = [
        build_feature_memory([features(seed), features(seed + 1)], [None] * 2, CORESET, max_vectors=1000)[0]
        for seed in (0, 10)
    ]
    parts = [features(20 + seed) for seed in range(5)]
    batch = StudentFeatures(
        fine=torch.cat([part.fine for part in parts]),
        coarse=torch.cat([part.coarse for part in parts]),
        detail=torch.cat([part.detail for part in parts]),
    )
    holed = torch.ones(4, 6, dtype=torch.bool)
    holed[:2, :3] = False
    memories, valids = [lines[0], None, lines[1], lines[0], lines[1]], [None, None, holed, None, None]
    for found, part, memory, valid in zip(
        compare_in_memories(batch, memories, valids), parts, memories, valids, strict=True
    ):
        if memory is None:
            assert found is None
            continue
        wanted = memory.compare(part, valid)
        assert found is not None
        for own, right in ((found.fine, wanted.fine), (found.coarse, wanted.coarse)):
            torch.testing.assert_close(own.ratio, right.ratio)
            assert torch.equal(own.vector, right.vector)
