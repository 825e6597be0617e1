import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from models.facts import facts_of
from models.synth.defect import LAYOUT_KINDS, MODALITIES, SENSOR_KINDS, possible_modalities
from models.synth.line import (
    FAMILIES,
    PHOTOGRAPH,
    DefectKind,
    DefectSpec,
    LineSetting,
    SynthPart,
    draw_line,
    draw_part,
    random_defects,
    variant,
)
from wire.facts import Facts

SIDE = 96
SURFACE_KINDS = [kind for kind in DefectKind if kind not in SENSOR_KINDS]
# A drawn change reaches as far as blur (4 px) carries it, and to the end of the JPEG blocks it touches.
JPEG_BLOCK = 16


def photograph() -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    return rng.integers(40, 220, (32, 32, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)


def line_of(family: str, seed: int = 1, *, grey: bool | None = None) -> LineSetting:
    photographs = [photograph()] if family == PHOTOGRAPH else []
    return draw_line(seed, family=family, height=SIDE, width=SIDE + 32, grey=grey, photographs=photographs)


def gross(kind: DefectKind, at: tuple[float, float] = (0.5, 0.5), **more: object) -> DefectSpec:
    # A quarter of the side: anything larger may take one whole side of the part.
    return DefectSpec(kind=kind, size_px=SIDE / 4, visibility=8.0, at=at, **more)  # type: ignore[arg-type]


def assert_equal_parts(one: SynthPart, other: SynthPart) -> None:
    assert np.array_equal(one.rgb_u8, other.rgb_u8)
    assert np.array_equal(one.mask, other.mask)
    assert np.array_equal(one.infrared_u8, other.infrared_u8)
    assert np.array_equal(one.depth_mm, other.depth_mm, equal_nan=True)
    assert np.array_equal(one.cloud.xyz_mm, other.cloud.xyz_mm, equal_nan=True)
    assert all(np.array_equal(one.sensors[name].values, other.sensors[name].values) for name in one.sensors)
    assert [defect.xyxy_px for defect in one.defects] == [defect.xyxy_px for defect in other.defects]


def test_drawing_parts_needs_no_torch() -> None:
    code = "import sys, models, models.synth.line; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_draws_the_same_part_from_the_same_arguments(family: str) -> None:
    specs = random_defects(line_of(family), np.random.default_rng(3), count=2)
    one = draw_part(line_of(family), 4, specs, modalities=MODALITIES)
    assert_equal_parts(one, draw_part(line_of(family), 4, specs, modalities=MODALITIES))
    assert one.rgb_u8.shape == (SIDE, SIDE + 32, 3)
    assert one.infrared_u8.shape == one.depth_mm.shape == one.mask.shape == (SIDE, SIDE + 32)
    assert one.cloud.grid == (SIDE, SIDE + 32)
    assert (one.rgb_u8.dtype, one.infrared_u8.dtype, one.depth_mm.dtype) == (np.uint8, np.uint8, np.float32)
    # Another part of the line is another piece of it, and neither black nor burnt out.
    other = draw_part(line_of(family), 5)
    assert not np.array_equal(one.rgb_u8, other.rgb_u8)
    assert 3 < float(other.rgb_u8.mean()) < 250
    assert float(other.rgb_u8.std()) > 1


@pytest.mark.parametrize("family", ["brushed", "gear", "printed"])
def test_what_is_asked_for_besides_changes_nothing_in_the_picture(family: str) -> None:
    specs = (gross(DefectKind.CRACK),)
    alone = draw_part(line_of(family), 2, specs)
    among = draw_part(line_of(family), 2, specs, modalities=MODALITIES)
    assert np.array_equal(alone.rgb_u8, among.rgb_u8)
    assert (alone.infrared_u8, alone.depth_mm, alone.cloud, dict(alone.sensors)) == (None, None, None, {})


@pytest.mark.parametrize("kind", SURFACE_KINDS)
@pytest.mark.parametrize("family", ["cast", "printed", "board", "washer"])
def test_a_defect_changes_its_own_surroundings_and_its_mask_is_what_changed(kind: DefectKind, family: str) -> None:
    line = line_of(family, 3)
    shown = tuple(sorted(possible_modalities(kind)))
    good = draw_part(line, 5, modalities=MODALITIES)
    centre = (0.5, 0.2) if family == "washer" else (0.5, 0.5)  # a washer's middle is a hole
    bad = draw_part(line, 5, (gross(kind, centre, modalities=shown),), modalities=MODALITIES)
    assert not good.mask.any()
    assert good.defects == ()
    (defect,) = bad.defects
    assert defect.kind is kind
    assert np.array_equal(defect.mask, bad.mask)
    x0, y0, x1, y1 = defect.xyxy_px
    assert bad.mask[y0:y1, x0:x1].sum() == bad.mask.sum()
    assert all(edge.any() for edge in (bad.mask[y0], bad.mask[y1 - 1], bad.mask[:, x0], bad.mask[:, x1 - 1]))
    assert all(np.array_equal(good.sensors[n].values, bad.sensors[n].values) for n in good.sensors)
    if "rgb" not in defect.masks:
        return
    change = np.abs(good.rgb_u8.astype(int) - bad.rgb_u8.astype(int)).max(axis=2)
    mask = defect.masks["rgb"]
    # Most of the mask has changed by more than rounding, and most of what changed clearly is marked.
    assert float((change[grown(mask, 1)] >= 2).mean()) > 0.4
    clearly = change > max(12, 0.5 * float(np.percentile(change[mask], 90)))
    assert int((clearly & ~grown(mask, 2)).sum()) <= 0.1 * int(clearly.sum())
    if kind not in LAYOUT_KINDS:
        rows, columns = np.nonzero(change)
        reach = SIDE / 4 + 12 + JPEG_BLOCK
        assert abs(rows - SIDE * centre[1]).max() <= reach or kind in (DefectKind.FRAY, DefectKind.BROKEN_EDGE)
        assert abs(columns - (SIDE + 32) / 2).max() <= reach or kind in (DefectKind.FRAY, DefectKind.BROKEN_EDGE)


def grown(mask: NDArray[np.bool_], px: int) -> NDArray[np.bool_]:
    padded = np.pad(mask, px)
    height, width = mask.shape
    shifts = [padded[y : y + height, x : x + width] for y in range(2 * px + 1) for x in range(2 * px + 1)]
    return np.logical_or.reduce(shifts)


def test_a_large_defect_may_take_one_whole_side_of_a_part() -> None:
    wide = DefectSpec(kind=DefectKind.UNEVEN, size_px=SIDE / 2, visibility=8.0, at=(0.5, 0.5))
    masks = [draw_part(line_of("cast", 3), index, (wide,)).mask for index in range(12)]
    from_edge_to_edge = [
        mask for mask in masks if (mask[0].any() and mask[-1].any()) or (mask[:, 0].any() and mask[:, -1].any())
    ]
    assert 0 < len(from_edge_to_edge) < len(masks)


@pytest.mark.parametrize("kind", [kind for kind in SURFACE_KINDS if len(possible_modalities(kind)) > 1])
def test_a_defect_of_one_modality_leaves_the_others_untouched(kind: DefectKind) -> None:
    line = line_of("ceramic", 3)
    good = draw_part(line, 5, modalities=MODALITIES)
    for only in sorted(possible_modalities(kind) - {"pointcloud"}):
        bad = draw_part(line, 5, (gross(kind, modalities=(only,)),), modalities=MODALITIES)
        changed = {
            "rgb": not np.array_equal(good.rgb_u8, bad.rgb_u8),
            "infrared": not np.array_equal(good.infrared_u8, bad.infrared_u8),
            "depth": not np.array_equal(good.depth_mm, bad.depth_mm, equal_nan=True),
        }
        assert {name for name, is_changed in changed.items() if is_changed} <= {only}
        if bad.defects:
            assert bad.defects[0].modalities_showing == (only,)
            assert changed[only]


def test_depth_shows_a_dent_that_the_picture_does_not() -> None:
    line = line_of("ceramic", 3)
    both = ("depth", "pointcloud")
    good = draw_part(line, 5, modalities=both)
    bad = draw_part(line, 5, (gross(DefectKind.DENT, modalities=both),), modalities=both)
    assert np.array_equal(good.rgb_u8, bad.rgb_u8)
    assert bad.modalities_showing == ("depth", "pointcloud")
    deeper = np.nanmean((bad.depth_mm - good.depth_mm)[bad.mask])
    # Visibility 8 times 0.04 mm at the bottom, or more where the light needs it; the flanks lower the mean.
    assert deeper > 0.1
    assert np.array_equal(bad.cloud.xyz_mm[:, 2].reshape(bad.depth_mm.shape), bad.depth_mm, equal_nan=True)


@pytest.mark.parametrize(
    ("kind", "channel"), [(DefectKind.VIBRATION, "Vibration"), (DefectKind.TEMPERATURE, "Temperature")]
)
def test_a_sensor_defect_leaves_the_pictures_alone(kind: DefectKind, channel: str) -> None:
    line = line_of("weave")
    good, bad = (draw_part(line, 5, specs, modalities=MODALITIES) for specs in ((), (DefectSpec(kind=kind),)))
    assert np.array_equal(good.rgb_u8, bad.rgb_u8)
    assert np.array_equal(good.depth_mm, bad.depth_mm, equal_nan=True)
    assert not bad.mask.any()
    assert bad.defects[0].xyxy_px is None
    assert bad.modalities_showing == ("sensor",)
    changed = {name for name in good.sensors if not np.array_equal(good.sensors[name].values, bad.sensors[name].values)}
    assert changed == {channel}
    assert draw_part(line, 5, (DefectSpec(kind=kind),)).defects == ()  # nobody asked the sensors


def test_facts_are_those_of_the_extractor_on_the_drawn_mask() -> None:
    part = draw_part(line_of("rolled", 2), 7, (gross(DefectKind.SCRATCH), gross(DefectKind.STAIN, seed=5)))
    assert len(part.defects) == 2
    for defect in part.defects:
        grey = part.rgb_u8.astype(np.float64) @ (0.299, 0.587, 0.114)
        own = facts_of(defect.mask, np.round(grey).astype(np.uint8), line_of("rolled", 2).mm_per_px)
        assert isinstance(defect.facts, Facts)
        assert defect.facts.shape == own.shape
        assert defect.facts.position == own.position
        assert defect.facts.contrast == pytest.approx(own.contrast, abs=0.6)  # one rounding of grey
        assert defect.kind.value in defect.sentence
        assert defect.sentence.endswith(".")


def test_random_defects_span_two_pixels_to_half_the_part() -> None:
    line = line_of("brushed")
    rng = np.random.default_rng(0)
    specs = [spec for _ in range(300) for spec in random_defects(line, rng)]
    spreading = {DefectKind.UNEVEN, DefectKind.WEAR, DefectKind.COLOUR_DRIFT}
    sizes = [spec.size_px for spec in specs if spec.kind not in spreading]
    assert 2.0 <= min(sizes) < 3.0
    assert 0.4 * SIDE < max(sizes) <= 0.5 * SIDE
    # 0.9 of the side: a disc of that diameter has 64 % of the square's area.
    assert 0.6 * SIDE < max(spec.size_px for spec in specs if spec.kind in spreading) <= 0.9 * SIDE
    assert random_defects(line, np.random.default_rng(1)) == random_defects(line, np.random.default_rng(1))


def test_almost_every_random_defect_can_be_seen() -> None:
    rng = np.random.default_rng(0)
    asked = seen = 0
    for seed in range(66):
        line = draw_line(seed, family=FAMILIES[seed % (len(FAMILIES) - 1)], height=SIDE, width=SIDE)
        specs = random_defects(line, rng, count=1)
        asked += 1
        seen += len(draw_part(line, 0, specs).defects)
    assert seen > 0.9 * asked


def test_a_product_variant_changes_the_layout_but_neither_surface_nor_machine() -> None:
    line = line_of("printed", 11)
    other = variant(line, 1)
    assert (line.product, other.product) == ("A", "B")
    assert other.layout != line.layout
    assert (other.light, other.camera, other.sensors) == (line.light, line.camera, line.sensors)
    assert variant(line, 0) == line
    with pytest.raises(ValueError, match="product index is -1, expected >= 0"):
        variant(line, -1)


def test_a_grey_line_has_equal_channels_and_a_coloured_one_has_not() -> None:
    grey, coloured = (draw_part(line_of("weave", 5, grey=is_grey), 0).rgb_u8.astype(int) for is_grey in (True, False))
    assert (grey[:, :, 0] == grey[:, :, 2]).all()
    assert float(np.abs(coloured[:, :, 0] - coloured[:, :, 2]).mean()) > 0.5


def test_depth_lies_around_the_stand_off_with_a_few_missing_returns() -> None:
    line = line_of("ceramic", 3)
    depth = draw_part(line, 0, modalities=("depth",)).depth_mm
    assert 0 < float(np.isnan(depth).mean()) < 0.01
    assert abs(float(np.nanmedian(depth)) - line.standoff_mm) < 1.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"visibility": 0.0}, r"visibility is 0.0, expected \(0, 50\]"),
        ({"size_px": 0.5}, "size_px is 0.5, expected >= 1"),
        ({"at": (0.5, 1.5)}, r"at is \(0.5, 1.5\), expected shares 0..1"),
        ({"modalities": ("depth",)}, r"modalities of stain are \('depth',\), expected some of infrared, rgb"),
    ],
)
def test_an_impossible_defect_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DefectSpec(kind=DefectKind.STAIN, **wrong)  # type: ignore[arg-type]


def test_an_unknown_family_and_an_unknown_modality_are_refused() -> None:
    with pytest.raises(ValueError, match="family is 'gold', expected one of brushed, "):
        draw_line(1, family="gold")
    with pytest.raises(ValueError, match="needs at least one photograph"):
        draw_line(1, family=PHOTOGRAPH)
    with pytest.raises(ValueError, match=r"modalities are \['x-ray'\], expected some of rgb, "):
        draw_part(line_of("cast"), 0, modalities=("x-ray",))
