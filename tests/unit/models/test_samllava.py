"""The recipe SAM-LLaVA from parts to findings, with tiny networks (SYSTEMS C 15-23, 25, 29, 73; Q15-Q19)."""

from functools import cache
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.backbones.planes import Planes
from models.backbones.sam.model import sam_settings
from models.ground.threshold import CoarseThreshold, coarse_threshold
from models.recipes import load_inspector
from models.recipes.contrast_detector import ContrastDetector
from models.recipes.recipe import read_recipe
from models.recipes.samllava_recipe import SamLlavaRecipe
from models.recipes.tiled_detector import TiledDetector
from models.recipes.token_eye import token_eye
from models.recipes.token_reading import token_reader
from models.refine.new_segmenter import new_segmenter
from models.refine.segmenter import Segmenter, SegmenterSettings
from models.refine.segmenter_file import pack_segmenter
from models.synth.line import DefectKind, DefectSpec, draw_line, draw_part
from models.train.separation import auroc
from tests.unit.models.drawn_parts import LINE
from wire.description import PromptLevel
from wire.errors import ConfigurationError
from wire.finding import Finding, Mode, Reading, Verdict
from wire.inspector import Inspector
from wire.line_state import LineSpec, LineState
from wire.part import Part

CPU = torch.device("cpu")
SPEC = LineSpec(line=LINE, expected_modalities=("rgb",), max_vectors=512, false_alarm_rate=0.1)
TINY = {"backbone.name": "tiny-clip", "sam.size": "tiny", "sam.seed": "0"}
EMBEDDED = {"backbone.name": "embedded", "sam.size": "null"}


@cache
def recipe(*changes: tuple[str, str]) -> Inspector:
    return load_inspector("samllava", threads=1, changes=dict(changes))


def tiny(**changes: str) -> Inspector:
    return recipe(*{**TINY, **{name.replace("__", "."): value for name, value in changes.items()}}.items())


def part(index: int, image: NDArray[np.uint8]) -> Part:
    return Part(inspection_id=UUID(int=index), line=LINE, part_id=f"P-{index}", images={"rgb": image})


@cache
def pictures(count: int, seed: int = 3, height: int = 96, width: int = 128) -> list[NDArray[np.uint8]]:
    line = draw_line(seed, family="cast", height=height, width=width)
    return [draw_part(line, index).rgb_u8 for index in range(count)]


@cache
def bad_picture() -> NDArray[np.uint8]:
    line = draw_line(3, family="cast", height=96, width=128)
    spec = DefectSpec(kind=DefectKind.HOLE, size_px=36.0, visibility=12.0, at=(0.5, 0.5))
    return draw_part(line, 50, (spec,)).rgb_u8


@cache
def state_of(inspector: Inspector, count: int = 6) -> LineState:
    return inspector.build_state([part(i, picture) for i, picture in enumerate(pictures(count))], SPEC)


def found(inspector: Inspector, image: NDArray[np.uint8], state: LineState | None) -> Finding:
    return inspector.inspect([part(99, image)], [state])[0]


@pytest.mark.parametrize("size", [(96, 128), (33, 47), (64, 300)])
def test_any_size_gives_a_finite_map_with_and_without_a_memory(size: tuple[int, int]):
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    for state in (None, state_of(tiny())):
        finding = found(tiny(), image, state)
        picture = finding.pictures["rgb"]
        assert picture.mask.shape == size
        assert np.isfinite(picture.map).all()
        assert 0 <= float(picture.map.min()) <= float(picture.map.max()) <= 2
        assert finding.mode is (Mode.ZERO_SHOT if state is None else Mode.MEMORY)


def test_parts_of_many_lines_are_judged_together_as_they_are_alone():
    own = tiny()
    other = own.build_state([part(i, picture) for i, picture in enumerate(pictures(3, seed=8))], SPEC)
    images, states = [*pictures(3), bad_picture()], [state_of(own), None, other, state_of(own)]
    together = own.inspect([part(i, image) for i, image in enumerate(images)], states)
    for image, state, finding in zip(images, states, together, strict=True):
        alone = found(own, image, state)
        np.testing.assert_allclose(alone.pictures["rgb"].map, finding.pictures["rgb"].map, atol=1e-4)
        assert alone.score == pytest.approx(finding.score, abs=1e-4)


def test_a_state_is_a_function_of_its_references():
    own = tiny()
    again = own.build_state([part(i, picture) for i, picture in enumerate(pictures(6))], SPEC)
    assert again.metadata.digest == state_of(own).metadata.digest
    assert {"rgb.gain", "rgb.coarse_level", "rgb.text"} <= set(again.tensors)
    assert all(len(t) <= 512 for name, t in again.tensors.items() if name.endswith("_bank"))


def test_results_name_the_reference_that_a_part_resembles_most():
    own = tiny(tiling="{tile_px: 48, overlap: 0.25, whole_up_to: 1.0}")
    references = [part(i, picture) for i, picture in enumerate([*pictures(3), *pictures(3, seed=8)])]
    state = own.build_state(references, SPEC)
    for reference in (references[1], references[4]):
        verdict = own.inspect([reference], [state])[0].modalities[0]
        assert (verdict.shots, verdict.closest_reference) == (6, reference.inspection_id)
        assert verdict.reading == Reading(vv_mode="none", level=PromptLevel.CLASSNAME)
    unknown = own.inspect([references[0]], [None])[0].modalities[0]
    assert (unknown.closest_reference, unknown.shots) == (None, 0)
    assert unknown.reading == Reading(vv_mode="none", level=PromptLevel.CLASSNAME)
    whole = own.inspect([references[0]], [state])[0]
    assert (whole.mode, unknown.mode) == (Mode.MEMORY, Mode.ZERO_SHOT)


def test_one_reference_is_a_memory_too():
    own = recipe(*EMBEDDED.items())
    state = own.build_state([part(0, pictures(1)[0])], SPEC)
    assert found(own, pictures(2)[1], state).mode is Mode.MEMORY


def test_with_the_shipped_network_a_gross_defect_is_found_where_it_is():
    own = recipe(*EMBEDDED.items())
    state = state_of(own)
    good, bad = found(own, pictures(8)[7], state), found(own, bad_picture(), state)
    assert bad.score > good.score
    assert bad.verdict is Verdict.DEFECT
    anomaly = bad.pictures["rgb"].map
    row, column = np.unravel_index(int(anomaly.argmax()), anomaly.shape)
    assert 0.25 < row / anomaly.shape[0] < 0.75
    assert 0.25 < column / anomaly.shape[1] < 0.75


def test_without_a_memory_the_gain_is_neutral_and_with_one_it_may_double():
    own = tiny(sam__size="null")
    zero_shot = found(own, pictures(8)[7], None).pictures["rgb"].map
    known = found(own, pictures(8)[7], state_of(own)).pictures["rgb"].map
    off = tiny(sam__size="null", context__form="none")
    np.testing.assert_allclose(found(off, pictures(8)[7], state_of(off)).pictures["rgb"].map, zero_shot, atol=1e-6)
    assert np.all(known <= 2 * zero_shot + 1e-5)
    assert not np.allclose(known, zero_shot)


def test_sam_refines_the_coarse_map_and_keeps_its_peak_and_the_score():
    coarse = tiny(sam__size="null")
    # Literal Otsu marks something on every part, so SAM sees this one for sure.
    for form in ("soft", "binary"):
        fine = tiny(coarse__threshold="otsu", sam__map=form)
        before, after = found(coarse, bad_picture(), None), found(fine, bad_picture(), None)
        assert after.score == pytest.approx(before.score)
        own = after.pictures["rgb"].map
        assert own.shape == before.pictures["rgb"].map.shape
        assert float(own.max()) == pytest.approx(float(before.pictures["rgb"].map.max()), rel=1e-5)
        assert not np.allclose(own, before.pictures["rgb"].map)
    assert len(np.unique(own)) == 2  # binary: nothing between


def test_a_flagged_part_shows_the_mask_that_sam_was_given_and_how_well_sam_thinks_that_its_own_fits():
    own = tiny(coarse__threshold="otsu")
    state = state_of(own)
    # Any score is above this threshold, so that the part is flagged for sure.
    low = state.metadata.model_copy(update={"manual_thresholds": {"rgb": 1e-6}})
    finding = found(own, bad_picture(), LineState(metadata=low, tensors=state.tensors))
    assert finding.verdict is Verdict.DEFECT
    alone = tiny(sam__size="null", coarse__threshold="otsu")
    coarse = found(alone, bad_picture(), state_of(alone))
    heat = coarse.pictures["rgb"].map
    full = cv2.resize(heat, (128, 96), interpolation=cv2.INTER_LINEAR)
    marked = finding.pictures["rgb"].coarse_mask
    assert marked is not None
    assert marked.shape == (96, 128)
    np.testing.assert_array_equal(marked, full > coarse_threshold(heat, 0.0, CoarseThreshold.OTSU))
    sure = finding.modalities[0].mask_confidence
    assert sure is not None
    assert np.isfinite(sure)
    # Nothing of it where SAM saw nothing.
    assert coarse.modalities[0].mask_confidence is None
    assert coarse.pictures["rgb"].coarse_mask is None


def test_an_empty_coarse_mask_leaves_the_coarse_map_as_it_is():
    known = state_of(tiny())
    # A line whose good parts reach as high as a map can.
    calm = LineState(
        metadata=known.metadata, tensors={**known.tensors, "rgb.coarse_level": np.array([2.0], np.float32)}
    )
    coarse = found(tiny(sam__size="null"), bad_picture(), state_of(tiny(sam__size="null")))
    assert np.array_equal(found(tiny(), bad_picture(), calm).pictures["rgb"].map, coarse.pictures["rgb"].map)


# What each row of the paper's table, and each reading of what it leaves open, changes. What lies behind the coarse
# stage never changes the score; what a training adds is not there yet, and is tested below.
SWITCHES = {
    "sam.size": ("tiny_mobile", "map"),
    "sam.map": ("binary", "map"),
    "sam.refiner.prompt": ("box", "map"),
    "sam.refiner.multimask": ("false", "map"),
    "sam.multiscale_prompt": ("false", ""),
    "sam.multiscale_decoder": ("false", ""),
    "coarse.threshold": ("normal_quantile", "map"),
    "coarse.share": ("0.1", "score"),
    "context.form": ("sigmoid", "map score"),
    "backbone.vv_mode": ("enhanced", "map score"),
    "text.ensemble": ("short", "map score"),
    "tiling": ("null", "map score"),
}


@pytest.mark.parametrize("key", SWITCHES)
def test_every_switch_changes_its_own_key_the_digest_and_what_it_stands_for(key: str):
    usual = {**TINY, "coarse.threshold": "otsu", "tiling": "{tile_px: 48, overlap: 0.25, whole_up_to: 1.0}"}
    value, changes = SWITCHES[key]
    changed = {**usual, key: value}
    before, after = (read_recipe("samllava", each).model_dump(mode="json") for each in (usual, changed))
    assert differing(before, after) == {key}
    own, other = recipe(*usual.items()), recipe(*changed.items())
    assert own.digest != other.digest
    one, another = found(own, bad_picture(), state_of(own)), found(other, bad_picture(), state_of(other))
    assert np.array_equal(one.pictures["rgb"].map, another.pictures["rgb"].map) == ("map" not in changes)
    assert (one.score == another.score) == ("score" not in changes)


def differing(one: object, other: object, prefix: str = "") -> set[str]:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return set() if one == other else {prefix[:-1]}
    return {each for name in one for each in differing(one[name], other[name], f"{prefix}{name}.")}


def trained_segmenter(*, multiscale_prompt: bool = True) -> Segmenter:
    """One whose multi-scale prompt says something."""
    additions = SegmenterSettings(multiscale_prompt=multiscale_prompt, multiscale_decoder=True)
    segmenter = new_segmenter(sam_settings("tiny"), additions, weights=None, seed=0)
    if segmenter.prompt is not None:
        torch.manual_seed(0)
        torch.nn.init.normal_(segmenter.prompt.out.weight)
    return segmenter


def test_what_a_switch_changes_is_one_component():
    full = set(trained_segmenter().state_dict())
    without = set(trained_segmenter(multiscale_prompt=False).state_dict())
    assert {name.split(".")[0] for name in full - without} == {"prompt"}
    assert without < full
    single = Segmenter(sam_settings("tiny"), SegmenterSettings(multiscale_prompt=True, multiscale_decoder=False))
    assert {name.split(".")[0] for name in full - set(single.state_dict())} == {"heads"}


def test_a_trained_addition_can_be_switched_off_and_one_that_was_never_trained_is_not_there(tmp_path: Path):
    files = {}
    for name, with_prompt in (("full", True), ("without", False)):
        files[name] = tmp_path / f"{name}.safetensors"
        files[name].write_bytes(pack_segmenter(trained_segmenter(multiscale_prompt=with_prompt)))

    def seen(name: str, **changes: str) -> NDArray[np.float32]:
        own = tiny(coarse__threshold="otsu", sam__trained=str(files[name]), **changes)
        return found(own, bad_picture(), None).pictures["rgb"].map

    plain = seen("without")
    assert not np.allclose(seen("full"), plain, atol=1e-6)
    np.testing.assert_array_equal(seen("full", sam__multiscale_prompt="false"), plain)
    np.testing.assert_array_equal(seen("without", sam__multiscale_prompt="false"), plain)
    # The further scales are for training alone: without their heads the middle one says the same.
    np.testing.assert_array_equal(seen("full", sam__multiscale_decoder="false"), seen("full"))


def test_a_binary_map_ranks_pixels_otherwise_than_the_probability_that_it_was_cut_from():
    areas = []
    for form in ("soft", "binary"):
        own = tiny(coarse__threshold="otsu", sam__map=form)
        anomaly = found(own, bad_picture(), None).pictures["rgb"].map
        truth = np.zeros(anomaly.shape, np.bool_)
        rows, columns = (side // 3 for side in anomaly.shape)
        truth[rows : 2 * rows, columns : 2 * columns] = True
        areas.append(auroc(anomaly.ravel(), truth.ravel()))
    assert areas[0] != pytest.approx(areas[1], abs=1e-3)


def test_sam_without_weights_says_what_to_do():
    with pytest.raises(ConfigurationError, match=r"--set sam\.weights=FILE"):
        read_recipe("samllava")
    with pytest.raises(ConfigurationError, match="no such file"):
        load_inspector("samllava", changes={**TINY, "sam.weights": "/nowhere/sam.pth"})


@pytest.mark.slow
def test_tiles_find_a_scratch_of_two_pixels_that_one_frame_does_not():
    line = draw_line(5, family="brushed", height=768, width=1024)
    goods = [draw_part(line, index).rgb_u8 for index in range(3)]
    bad = draw_part(line, 70).rgb_u8.copy()
    rows = np.arange(300, 420)
    for row in rows:
        bad[row, 500 + (row - 300) // 4 : 502 + (row - 300) // 4] //= 3
    truth = np.zeros((768, 1024), np.bool_)
    truth[300:420, 496:536] = True

    def rank(**changes: str) -> float:
        own = recipe(*{**EMBEDDED, **changes}.items())
        state = own.build_state([part(i, image) for i, image in enumerate(goods)], SPEC)
        anomaly = found(own, bad, state).pictures["rgb"].map
        cells = truth[2::4, 2::4]
        # Share of all sound places that stand out less than the scratch does at its clearest.
        return float((anomaly[~cells] < anomaly[cells].max()).mean())

    whole, tiled = rank(tiling="null"), rank(tiling="{tile_px: 256, overlap: 0.25, whole_up_to: 1.5}")
    assert tiled > 0.999
    assert tiled > whole


def test_a_large_picture_in_tiles_has_no_seam_where_one_frame_has_none():
    torch.manual_seed(0)
    own = recipe(*{**EMBEDDED, "tiling": "{tile_px: 128, overlap: 0.5, whole_up_to: 1.0}"}.items())
    image = pictures(1, height=256, width=256)[0]
    anomaly = found(own, image, None).pictures["rgb"].map
    assert anomaly.shape == (64, 64)
    steps = np.abs(np.diff(anomaly, axis=1)).max(axis=0)
    # Steps across the borders of tiles (every 64 px = 16 cells) are no larger than those within them.
    borders = np.zeros(len(steps), np.bool_)
    borders[15::16] = True
    assert float(steps[borders].max()) <= float(steps[~borders].max())
    assert float(steps[borders].mean()) <= 2 * float(steps[~borders].mean())


def test_tiles_of_many_pictures_share_the_backbones_batches():
    changes = {**TINY, "sam.size": "null", "tiling": "{tile_px: 48, overlap: 0.25, whole_up_to: 1.0}"}
    for batch_pixels, batches in (("786432", [15 + 8]), (str(8 * 48 * 48), [8, 8, 7])):
        settings = read_recipe("samllava", {**changes, "batch_pixels": batch_pixels})
        assert isinstance(settings, SamLlavaRecipe)
        eye = token_eye("samllava", settings.backbone, CPU)
        reader, _ = token_reader("samllava", settings, eye, CPU)
        coarse = ContrastDetector(reader, coarse=settings.coarse, context=settings.context)
        detector = TiledDetector(coarse, profile=eye.backbone.profile, tiling=settings.tiling)
        seen: list[int] = []
        assert eye.clip is not None
        eye.clip.visual.register_forward_hook(lambda _, given, out, to=seen: to.append(len(given[0])))
        # Tiles of 48 px that overlap by 12 or more: 96 x 192 px are 3 x 5 of them, 60 x 130 px are 2 x 4.
        pictures = [np.zeros((3, 96, 192), np.float32), np.zeros((3, 60, 130), np.float32)]
        detector.maps([Planes(values=each, size=each.shape[1:]) for each in pictures], [None, None], ["rgb", "rgb"])
        assert seen == batches


def test_both_token_recipes_cut_large_pictures_and_leave_all_tiles_of_a_part_out_together():
    changes = {"backbone.name": "tiny-clip", "tiling": "{tile_px: 48, overlap: 0.25, whole_up_to: 1.0}"}
    own = load_inspector("spgdd", threads=1, changes=changes)
    references = [part(i, picture) for i, picture in enumerate(pictures(3))]
    state = own.build_state(references, LineSpec(line=LINE, max_vectors=65_536))
    assert set(state.tensors["rgb.layer1_owner"]) == {0, 1, 2}
    assert state.metadata.calibrations["rgb"].references == 3
    finding = found(own, pictures(3)[1], state)
    assert finding.pictures["rgb"].map.shape == (24, 32)
    assert finding.modalities[0].closest_reference == references[1].inspection_id
    assert float(finding.pictures["rgb"].map.max()) < 1e-2  # a part that is remembered
