from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from models.recipes import load_inspector
from models.synth.line import draw_line, draw_part
from tests.unit.models.drawn_parts import LINE
from tests.unit.models.tiny_networks import written_recipe
from wire.errors import ConfigurationError
from wire.finding import Finding, Mode
from wire.inspector import Inspector
from wire.line_state import LineSpec, LineState
from wire.part import Part

SPEC = LineSpec(line=LINE, expected_modalities=("rgb",), max_vectors=256)


def part(index: int, image: NDArray[np.uint8] | NDArray[np.uint16]) -> Part:
    return Part(inspection_id=UUID(int=index), line=LINE, part_id=f"P-{index}", images={"rgb": image})


def pictures(count: int, *, height: int = 96, width: int = 128) -> list[NDArray[np.uint8]]:
    line = draw_line(3, family="cast", height=height, width=width)
    return [draw_part(line, index).rgb_u8 for index in range(count)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    """Tiny untrained networks; pictures of more than 128 x 128 px are also seen from afar."""
    file = written_recipe(tmp_path_factory.mktemp("recipe"), far_above_pixels=16384, far_pixels=4096, least_pixels=4096)
    return load_inspector(str(file), threads=1)


@pytest.fixture(scope="module")
def learned(tiny: Inspector) -> LineState:
    return tiny.build_state([part(i, picture) for i, picture in enumerate(pictures(6))], SPEC)


def found(tiny: Inspector, image: NDArray[np.uint8] | NDArray[np.uint16], state: LineState | None) -> Finding:
    return tiny.inspect([part(99, image)], [state])[0]


@pytest.mark.parametrize(("height", "width"), [(96, 128), (33, 47), (8, 300), (257, 129), (64, 64)])
def test_any_size_gives_a_map_and_a_mask_of_its_own_size(tiny: Inspector, learned: LineState, height: int, width: int):
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    for state in (None, learned):
        picture = found(tiny, image, state).pictures["rgb"]
        assert picture.mask.shape == (height, width)
        assert picture.map.dtype == np.float32
        assert np.isfinite(picture.map).all()
        assert float(picture.map.min()) >= 0


def test_a_part_is_judged_alike_alone_and_in_a_batch_of_many_lines(tiny: Inspector, learned: LineState):
    images = pictures(3)
    alone = [found(tiny, image, state) for image, state in zip(images, (learned, None, learned), strict=True)]
    batch = tiny.inspect([part(i, image) for i, image in enumerate(images)], [learned, None, learned])
    for one, other in zip(alone, batch, strict=True):
        assert one.mode == other.mode
        assert one.score == pytest.approx(other.score, rel=1e-3)


def test_parts_of_two_lines_have_the_same_maps_in_one_batch_as_one_by_one(tiny: Inspector, learned: LineState):
    other = tiny.build_state([part(i, picture) for i, picture in enumerate(pictures(9)[6:])], SPEC)
    images, states = pictures(4), [learned, other, learned, other]
    batch = tiny.inspect([part(i, image) for i, image in enumerate(images)], states)
    for image, state, seen in zip(images, states, batch, strict=True):
        alone, by_the_other = (found(tiny, image, own).pictures["rgb"].map for own in (state, states[state is learned]))
        # Convolutions of a batch may add up in another order, which decides between two equally near vectors.
        np.testing.assert_allclose(seen.pictures["rgb"].map, alone, rtol=0, atol=0.01)
        assert float(np.abs(by_the_other - alone).max()) > 0.05


def test_sixteen_bits_are_judged_like_eight(tiny: Inspector, learned: LineState):
    eight = pictures(7)[6]
    sixteen = eight.astype(np.uint16) * 257
    assert found(tiny, sixteen, learned).score == pytest.approx(found(tiny, eight, learned).score, rel=1e-3)


def test_one_reference_is_enough_and_two_states_of_it_are_equal(tiny: Inspector):
    reference = [part(0, pictures(1)[0])]
    first, second = tiny.build_state(reference, SPEC), tiny.build_state(reference, SPEC)
    assert first.metadata.digest == second.metadata.digest
    known = first.metadata.calibrations["rgb"]
    assert (known.references, len(known.scores)) == (1, 4)  # its quarters
    assert found(tiny, pictures(2)[1], first).mode is Mode.MEMORY


def test_no_reference_is_not_enough(tiny: Inspector):
    with pytest.raises(ValueError, match="0 references: no modality can be judged in enough of them"):
        tiny.build_state([], SPEC)


def test_a_foreign_patch_is_the_peak_of_the_map_even_for_untrained_features(tmp_path: Path):
    file = written_recipe(tmp_path, decoder_weight=0.0, least_pixels=4096, mirrored_below=0)
    distances = load_inspector(str(file), threads=1)
    state = distances.build_state([part(i, picture) for i, picture in enumerate(pictures(6))], SPEC)
    bad = pictures(7)[6].copy()
    bad[24:64, 40:96] = np.random.default_rng(0).integers(0, 255, (40, 56, 3))
    anomaly = found(distances, bad, state).pictures["rgb"].map  # one value per 4 px
    row, column = np.unravel_index(anomaly.argmax(), anomaly.shape)
    assert 24 <= 4 * row < 64
    assert 40 <= 4 * column < 96


def test_a_large_picture_has_a_memory_from_afar(tiny: Inspector):
    large = pictures(3, height=160, width=192)
    state = tiny.build_state([part(i, image) for i, image in enumerate(large)], SPEC)
    assert any(name.startswith("rgb.far.") for name in state.tensors)
    assert found(tiny, pictures(4, height=160, width=192)[3], state).mode is Mode.MEMORY


def test_a_line_that_learned_small_pictures_judges_a_large_one_near_only(tiny: Inspector, learned: LineState):
    assert not any(".far." in name for name in learned.tensors)
    assert found(tiny, pictures(1, height=160, width=192)[0], learned).mode is Mode.MEMORY


def test_a_bank_stays_within_its_bound(tiny: Inspector, learned: LineState):
    assert len(learned.tensors["rgb.fine_bank"]) == SPEC.max_vectors
    assert len(learned.tensors["rgb.coarse_bank"]) <= SPEC.max_vectors


def test_networks_need_their_section_and_their_parts(tmp_path: Path):
    file = written_recipe(tmp_path)
    file.write_text(file.read_text(encoding="utf-8").replace("backbone: student", "backbone: filter_bank"), "utf-8")
    with pytest.raises(ConfigurationError, match="student, feature_banks and decoder come together"):
        load_inspector(str(file))


def test_a_part_of_any_size_shows_the_network_nothing_but_itself(tmp_path: Path):
    """100 x 140 px are no multiple of 32: a border that was made up would enter the memory and shift means."""
    file = written_recipe(tmp_path, least_pixels=4096, mirrored_below=0)
    images = pictures(4, height=100, width=140)
    whole = load_inspector(str(file), threads=1)
    state = whole.build_state([part(i, image) for i, image in enumerate(images[:3])], SPEC)
    # 128 x 160 px: 16 x 20 cells of 8 px and 8 x 10 of 16 px, of three parts.
    assert len(state.tensors["rgb.coarse_bank"]) == 3 * 8 * 10
    assert found(whole, images[3], state).pictures["rgb"].map.shape == (32, 40)


def test_few_references_are_known_either_way_round_unless_parts_lie_in_a_fixture(tmp_path: Path):
    loose = LineSpec(line=LINE, max_vectors=4096)
    fixture = loose.model_copy(update={"matching": "aligned"})
    distances = load_inspector(
        str(written_recipe(tmp_path, decoder_weight=0.0, least_pixels=4096, mirrored_below=4)), threads=1
    )
    references = [part(i, picture) for i, picture in enumerate(pictures(4))]
    few = distances.build_state(references[:3], loose)
    # 96 x 128 px: 6 x 8 cells of 16 px, of three parts, as they are and three ways round.
    assert len(few.tensors["rgb.coarse_bank"]) == 3 * 6 * 8 * 4
    assert few.metadata.calibrations["rgb"].references == 3
    assert len(distances.build_state(references[:3], fixture).tensors["rgb.coarse_bank"]) == 3 * 6 * 8
    assert len(distances.build_state(references, loose).tensors["rgb.coarse_bank"]) == 4 * 6 * 8


def test_a_picture_larger_than_a_pass_is_seen_in_one_piece_without_seams(tmp_path: Path):
    """However few pixels go through the network at once, a picture is not cut: no tiles, no steps between them."""
    file = written_recipe(tmp_path, least_pixels=4096, mirrored_below=0)
    references, large = [part(i, picture) for i, picture in enumerate(pictures(3))], pictures(4)[3]
    maps = []
    for pixels in ("4096", "786432"):  # a third of a picture, and sixty-four of them
        looked = load_inspector(str(file), threads=1, changes={"batch_pixels": pixels})
        maps.append(found(looked, large, looked.build_state(references, SPEC)).pictures["rgb"].map)
    np.testing.assert_allclose(maps[0], maps[1], rtol=0, atol=0.01)


def test_large_pictures_are_not_mirrored_near_but_from_afar(tmp_path: Path):
    """Four pictures of 4000 x 2000 px would be sixteen: two million patches to choose from."""
    file = written_recipe(
        tmp_path, decoder_weight=0.0, least_pixels=4096, mirrored_below=4, far_above_pixels=12000, far_pixels=3072
    )
    distances = load_inspector(str(file), threads=1)
    references = [part(i, picture) for i, picture in enumerate(pictures(3))]
    state = distances.build_state(references, LineSpec(line=LINE, max_vectors=4096))
    # 96 x 128 px near: 6 x 8 cells of 16 px, of three parts; 64 x 64 px afar: 4 x 4 cells, each four ways round.
    assert len(state.tensors["rgb.coarse_bank"]) == 3 * 6 * 8
    assert len(state.tensors["rgb.far.coarse_bank"]) == 3 * 4 * 4 * 4


def test_height_maps_without_a_memory_have_a_contrast_of_their_own(tmp_path: Path):
    depth = np.random.default_rng(0).normal(400, 0.1, (96, 128)).astype(np.float32)
    rough = Part(
        inspection_id=UUID(int=1), line=LINE, part_id="P", images={"rgb": pictures(1)[0]}, depth_mm=depth
    )  # fmt: skip

    def maps(folder: Path, **network: float) -> dict[str, NDArray[np.float32]]:
        folder.mkdir()
        looked = load_inspector(str(written_recipe(folder, least_pixels=4096, **network)), threads=1)
        return {name: picture.map for name, picture in looked.inspect([rough], [None])[0].pictures.items()}

    without = maps(tmp_path / "without", own_contrast_weight=0.0, own_contrast_weight_on_depth=0.0)
    on_depth = maps(tmp_path / "on_depth", own_contrast_weight=0.0, own_contrast_weight_on_depth=1.0)
    assert np.array_equal(without["rgb"], on_depth["rgb"])
    assert not np.allclose(without["depth"], on_depth["depth"])
