from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from models.evidence import render_overlay
from models.synth.line import DefectKind, LineSetting, draw_line, draw_part
from tests.unit.models.drawn_parts import ALL, LINE, bad_part, good_part, gross, part_of, small_line
from wire.finding import Finding, ModalityState, Mode, Verdict
from wire.inspector import Inspector
from wire.line_state import LineSpec, LineState, StateMetadata
from wire.part import Part, PointCloud


def one(inspector: Inspector, part: Part, state: LineState | None) -> Finding:
    return inspector.inspect([part], [state])[0]


def assert_same(first: Finding, second: Finding, *, tolerance: float = 0.0) -> None:
    assert first.verdict == second.verdict
    assert first.score == pytest.approx(second.score, rel=tolerance, abs=tolerance)
    assert [m.modality for m in first.modalities] == [m.modality for m in second.modalities]
    assert [r.xyxy_px for r in first.regions] == [r.xyxy_px for r in second.regions]
    for name, picture in first.pictures.items():
        assert np.allclose(picture.map, second.pictures[name].map, rtol=tolerance, atol=tolerance)
        assert np.array_equal(picture.mask, second.pictures[name].mask)


def with_metadata(state: LineState, **changes: object) -> LineState:
    return replace(state, metadata=state.metadata.model_copy(update=changes))


@pytest.mark.parametrize(
    ("kind", "modality"),
    [
        (DefectKind.SCRATCH, "rgb"), (DefectKind.PITS, "rgb"), (DefectKind.PITS, "depth"), (DefectKind.DENT, "depth"),
        (DefectKind.INCLUSION, "rgb"), (DefectKind.VIBRATION, "sensor"), (DefectKind.TEMPERATURE, "sensor"),
    ],
)  # fmt: skip
def test_each_kind_of_defect_is_found_in_the_modality_that_shows_it(
    inspector: Inspector, drawn_line: LineSetting, state: LineState, kind: DefectKind, modality: str
):
    finding = one(inspector, bad_part(drawn_line, 900, kind), state)
    verdicts = {m.modality: m for m in finding.modalities}
    assert finding.verdict is Verdict.DEFECT
    assert verdicts[modality].verdict is Verdict.DEFECT
    assert verdicts[modality].state is ModalityState.USED
    assert verdicts[modality].threshold_extrapolated  # 16 references, 1 % over three modalities


def test_a_dent_that_no_colour_shows_is_found_by_depth_alone(
    inspector: Inspector, drawn_line: LineSetting, state: LineState
):
    dented = draw_part(drawn_line, 900, (gross(DefectKind.DENT, only=("depth",)),), modalities=ALL)
    without_depth = part_of(dented, 900, ("rgb", "sensor"))
    assert one(inspector, without_depth, state).verdict is Verdict.OK
    assert one(inspector, part_of(dented, 900), state).verdict is Verdict.DEFECT


def test_the_marked_place_is_the_defects_place(inspector: Inspector, drawn_line: LineSetting, state: LineState):
    drawn = draw_part(drawn_line, 901, (gross(DefectKind.STAIN),), modalities=ALL)
    finding = one(inspector, part_of(drawn, 901), state)
    mask = finding.pictures["rgb"].mask
    assert float((mask & drawn.mask).sum() / (mask | drawn.mask).sum()) > 0.4
    region = next(r for r in finding.regions if r.modality == "rgb")
    x0, y0, x1, y1 = region.xyxy_px
    assert mask[y0:y1, x0:x1].sum() == mask.sum()
    assert mask[:, x1 - 1].any()
    assert mask[y0].any()
    assert region.area_px == int(mask.sum())
    assert region.facts.length_mm is not None


def test_a_good_part_is_good_marks_nothing_and_shows_no_heat(
    inspector: Inspector, drawn_line: LineSetting, state: LineState
):
    part = good_part(drawn_line, 500)
    finding = one(inspector, part, state)
    assert finding.verdict is Verdict.OK
    assert finding.mode is Mode.MEMORY
    assert finding.regions == ()
    assert finding.score is not None
    assert finding.threshold is not None
    assert finding.score <= finding.threshold
    assert set(finding.pictures) == {"rgb", "depth"}
    picture = finding.pictures["rgb"]
    assert (picture.map.dtype, picture.map.shape, picture.mask.shape) == (np.float32, (48, 64), (96, 128))
    assert float(picture.map.min()) >= 0
    assert not picture.mask.any()
    image = np.asarray(part.images["rgb"], np.uint8)
    assert np.array_equal(render_overlay(image, picture, ()), image)


def test_the_same_references_build_the_same_bits(
    inspector: Inspector, drawn_line: LineSetting, spec: LineSpec, state: LineState
):
    again = inspector.build_state([good_part(drawn_line, i) for i in range(16)], spec)
    assert again.metadata.digest == state.metadata.digest
    assert again.metadata.calibrations == state.metadata.calibrations
    assert {n: t.tobytes() for n, t in again.tensors.items()} == {n: t.tobytes() for n, t in state.tensors.items()}


def test_the_state_says_what_it_was_built_from(inspector: Inspector, state: LineState, spec: LineSpec):
    metadata = state.metadata
    assert (metadata.line, metadata.version, metadata.recipe) == (LINE, 0, "embedded")
    assert metadata.model_digest == inspector.digest
    assert metadata.references == tuple(UUID(int=i) for i in range(16))
    assert set(metadata.calibrations) == {"rgb", "depth", "sensor"}
    assert state.tensors["rgb.fine_bank"].shape == (spec.max_vectors, 64)
    assert state.tensors["rgb.coarse_bank"].shape == (spec.max_vectors, 192)
    assert state.tensors["depth.fine_bank"].shape == (spec.max_vectors, 64)
    assert all(tensor.dtype == np.float32 for tensor in state.tensors.values())


def test_nothing_is_remembered_between_calls(inspector: Inspector, drawn_line: LineSetting, state: LineState):
    part = bad_part(drawn_line, 902, DefectKind.PITS)
    before = one(inspector, part, state)
    other = small_line(9, "weave", height=80, width=80)
    inspector.build_state([good_part(other, i) for i in range(3)], state.metadata.spec)
    inspector.inspect([good_part(other, 7), good_part(drawn_line, 7)], [None, state])
    assert_same(one(inspector, part, state), before)


def test_a_batch_over_lines_sizes_and_modes_answers_like_single_calls(
    inspector: Inspector, drawn_line: LineSetting, spec: LineSpec, state: LineState
):
    other = small_line(5, "cast", height=64, width=100)
    other_state = inspector.build_state([good_part(other, i, ("rgb",)) for i in range(4)], spec)
    parts = [
        good_part(drawn_line, 600), good_part(other, 601, ("rgb",)), bad_part(drawn_line, 602, DefectKind.CRACK),
        good_part(drawn_line, 603), bad_part(other, 604, DefectKind.PITS, ("rgb",)), good_part(other, 605),
    ]  # fmt: skip
    states = [state, other_state, state, None, other_state, None]
    batch = inspector.inspect(parts, states)
    for part, own, finding in zip(parts, states, batch, strict=True):
        assert_same(finding, one(inspector, part, own), tolerance=1e-3)
    assert inspector.inspect([], []) == []


def test_a_state_answers_the_same_after_saving_and_loading(
    inspector: Inspector, drawn_line: LineSetting, state: LineState, tmp_path: Path
):
    save_file({name: np.ascontiguousarray(t) for name, t in state.tensors.items()}, tmp_path / "state.safetensors")
    loaded = LineState(
        metadata=StateMetadata.from_json(state.metadata.to_json()), tensors=load_file(tmp_path / "state.safetensors")
    )
    part = bad_part(drawn_line, 903, DefectKind.STAIN)
    assert_same(one(inspector, part, loaded), one(inspector, part, state))


def test_a_missing_modality_is_tolerated_and_flagged(inspector: Inspector, drawn_line: LineSetting, state: LineState):
    part = part_of(draw_part(drawn_line, 604, modalities=ALL), 604, ("rgb",), missing=("sensor",))
    finding = one(inspector, part, state)
    assert {m.modality: (m.state, m.verdict) for m in finding.modalities} == {
        "rgb": (ModalityState.USED, Verdict.OK),
        "sensor": (ModalityState.MISSING, Verdict.UNKNOWN),
        "depth": (ModalityState.MISSING, Verdict.UNKNOWN),
    }
    assert finding.verdict is Verdict.OK


def test_fewer_modalities_leave_each_a_larger_share_of_the_rate(
    inspector: Inspector, drawn_line: LineSetting, state: LineState
):
    whole = one(inspector, good_part(drawn_line, 605), state).modalities[0]
    alone = one(inspector, good_part(drawn_line, 605, ("rgb",)), state).modalities[0]
    assert whole.score == alone.score
    assert whole.threshold is not None
    assert alone.threshold is not None
    assert alone.threshold < whole.threshold


def test_a_part_without_anything_is_unknown(inspector: Inspector, state: LineState):
    part = Part(inspection_id=UUID(int=1), line=LINE, part_id="P", missing=("rgb", "depth"))
    for own in (state, None):
        finding = one(inspector, part, own)
        assert (finding.verdict, finding.score, finding.threshold) == (Verdict.UNKNOWN, None, None)
        assert {"rgb", "depth"} <= {m.modality for m in finding.modalities if m.state is ModalityState.MISSING}


def test_depth_without_any_return_counts_as_missing(inspector: Inspector, drawn_line: LineSetting, state: LineState):
    part = replace(good_part(drawn_line, 606), depth_mm=np.full((96, 128), np.nan, np.float32))
    finding = one(inspector, part, state)
    assert {m.modality: m.state for m in finding.modalities}["depth"] is ModalityState.MISSING
    assert finding.verdict is Verdict.OK


def test_a_modality_that_the_memory_does_not_know_is_judged_zero_shot_without_a_vote(
    inspector: Inspector, drawn_line: LineSetting, state: LineState
):
    part = good_part(drawn_line, 607)
    strange = np.zeros((96, 128, 3), np.uint8)
    strange[40:44, 40:44] = 255
    finding = one(inspector, replace(part, images={**part.images, "infrared": strange}), state)
    infrared = next(m for m in finding.modalities if m.modality == "infrared")
    assert (infrared.mode, infrared.verdict, infrared.threshold) == (Mode.ZERO_SHOT, Verdict.UNKNOWN, None)
    assert finding.verdict is Verdict.OK


def test_without_a_state_a_gross_anomaly_scores_high_and_no_verdict_is_claimed(inspector: Inspector):
    line = draw_line(4, family="cast", height=256, width=256)
    spoilt = draw_part(line, 0, (gross(DefectKind.STAIN),))
    good, bad = (
        Part(inspection_id=UUID(int=1), line=LINE, part_id="P", images={"rgb": image})
        for image in (draw_part(line, 0).rgb_u8, spoilt.rgb_u8)
    )
    first, second = inspector.inspect([good, bad], [None, None])
    for finding in (first, second):
        assert (finding.verdict, finding.mode, finding.threshold) == (Verdict.UNKNOWN, Mode.ZERO_SHOT, None)
        assert finding.regions == ()
    assert first.score is not None
    assert second.score is not None
    assert second.score > first.score + 0.2
    map_ = second.pictures["rgb"].map
    row, column = np.unravel_index(map_.argmax(), map_.shape)
    assert spoilt.mask[4 * row + 2, 4 * column + 2]  # one cell per 4 x 4 px


def test_the_rate_and_a_threshold_by_hand_work_without_a_rebuild(
    inspector: Inspector, drawn_line: LineSetting, state: LineState
):
    part = good_part(drawn_line, 600, ("rgb",))
    score = one(inspector, part, state).modalities[0].score
    assert score is not None
    strict = with_metadata(state, spec=state.metadata.spec.model_copy(update={"false_alarm_rate": 0.999}))
    assert one(inspector, part, strict).verdict is Verdict.DEFECT
    by_hand = one(inspector, part, with_metadata(state, manual_thresholds={"rgb": score * 0.9}))
    assert (by_hand.verdict, by_hand.modalities[0].threshold) == (Verdict.DEFECT, pytest.approx(score * 0.9))
    assert len(by_hand.regions) >= 1
    in_sigma = one(inspector, part, with_metadata(state, manual_thresholds={"fused": 50.0}))
    assert (in_sigma.verdict, in_sigma.threshold) == (Verdict.OK, pytest.approx(50.0))


def test_a_state_of_another_model_is_not_used(inspector: Inspector, drawn_line: LineSetting, state: LineState):
    foreign = with_metadata(state, model_digest="0" * 64)
    assert one(inspector, good_part(drawn_line, 609), foreign).mode is Mode.ZERO_SHOT


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (16, 300), (1200, 1600)])
def test_any_size_is_inspected_and_marked_in_its_own_pixels(inspector: Inspector, shape: tuple[int, int]):
    rng = np.random.default_rng(0)
    references = [
        Part(
            inspection_id=UUID(int=i), line=LINE, part_id=str(i),
            images={"rgb": rng.integers(90, 130, (*shape, 3), np.uint8)},
        )
        for i in range(2)
    ]  # fmt: skip
    state = inspector.build_state(references, LineSpec(line=LINE, max_vectors=64))
    image = references[0].images["rgb"].copy()
    height, width = shape
    image[height // 2 : height // 2 + max(height // 10, 1), width // 2 : width // 2 + max(width // 10, 1)] = 255
    finding = one(inspector, replace(references[0], images={"rgb": image}), state)
    picture = finding.pictures["rgb"]
    assert picture.mask.shape == shape
    assert picture.map.shape[0] <= max(height, 8)
    assert picture.map.shape[1] <= max(width, 8)
    for region in finding.regions:
        x0, y0, x1, y1 = region.xyxy_px
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
    if min(shape) > 100:
        assert finding.verdict is Verdict.DEFECT


def test_sixteen_bit_images_give_the_findings_of_their_eight_bit_view(
    inspector: Inspector, drawn_line: LineSetting, state: LineState
):
    part = bad_part(drawn_line, 610, DefectKind.CRACK, ("rgb",))
    deep = replace(part, images={"rgb": np.asarray(part.images["rgb"]).astype(np.uint16) * 257})
    assert_same(one(inspector, deep, state), one(inspector, part, state), tolerance=1e-2)


def test_a_constant_image_against_constant_references_is_good(inspector: Inspector, spec: LineSpec):
    flat = [
        Part(inspection_id=UUID(int=i), line=LINE, part_id=str(i), images={"rgb": np.full((64, 64, 3), 200, np.uint8)})
        for i in range(4)
    ]
    state = inspector.build_state(flat, spec)
    assert one(inspector, flat[0], state).verdict is Verdict.OK
    spoilt = flat[0].images["rgb"].copy()
    spoilt[30:34, 30:34] = 20
    assert one(inspector, replace(flat[0], images={"rgb": spoilt}), state).verdict is Verdict.DEFECT


@pytest.mark.parametrize("grid", [(60, 80), None])
def test_a_bump_in_a_point_cloud_is_found(inspector: Inspector, spec: LineSpec, grid: tuple[int, int] | None):
    y, x = np.mgrid[:60, :80].astype(np.float32)

    def cloud(index: int, bump_mm: float) -> Part:
        rng = np.random.default_rng(index)
        z = 300 + rng.normal(0, 0.02, (60, 80)).astype(np.float32)
        z[20:32, 30:44] -= bump_mm
        points = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1).astype(np.float32)
        return Part(
            inspection_id=UUID(int=index), line=LINE, part_id=str(index),
            clouds={"pointcloud": PointCloud(xyz_mm=points, grid=grid)},
        )  # fmt: skip

    state = inspector.build_state([cloud(i, 0.0) for i in range(8)], spec)
    assert one(inspector, cloud(50, 0.0), state).verdict is Verdict.OK
    finding = one(inspector, cloud(51, 0.5), state)
    assert finding.verdict is Verdict.DEFECT
    assert finding.regions[0].modality == "pointcloud"


def test_one_reference_is_enough_for_pictures_and_depth_but_not_for_sensors(
    inspector: Inspector, drawn_line: LineSetting, spec: LineSpec
):
    assert set(inspector.build_state([good_part(drawn_line, 0)], spec).metadata.calibrations) == {"rgb", "depth"}
    with pytest.raises(ValueError, match="1 references: no modality can be judged in enough of them"):
        inspector.build_state([good_part(drawn_line, 0, ("sensor",))], spec)


def test_references_without_anything_in_common_are_not_enough(
    inspector: Inspector, drawn_line: LineSetting, spec: LineSpec
):
    nothing_seen = replace(good_part(drawn_line, 1, ("depth",)), depth_mm=np.full((96, 128), np.nan, np.float32))
    with pytest.raises(ValueError, match="2 references: no modality can be judged in enough of them"):
        inspector.build_state([good_part(drawn_line, 0, ("sensor",)), nothing_seen], spec)


def test_as_many_states_as_parts_are_needed(inspector: Inspector, drawn_line: LineSetting):
    with pytest.raises(ValueError, match="1 parts but 2 states"):
        inspector.inspect([good_part(drawn_line, 0)], [None, None])
