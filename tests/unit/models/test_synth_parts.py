import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from models.synth.defect import DefectKind, DefectSpec
from models.synth.line_style import LineStyle, Surface
from models.synth.parts import draw
from tests.unit.models.drawn_parts import small_style

SURFACE_KINDS = [kind for kind in DefectKind if "sensor" not in DefectSpec(kind=kind).modalities_showing]


def test_drawing_parts_needs_no_torch():
    code = "import sys, models, models.synth.parts; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("surface", list(Surface))
def test_the_same_arguments_draw_the_same_part(surface: Surface):
    style = LineStyle.random(7, surface)
    defect = DefectSpec(kind=DefectKind.SCRATCH)
    first, second = draw(style, 3, defect), draw(style, 3, defect)
    assert np.array_equal(first.rgb_u8, second.rgb_u8)
    assert np.array_equal(first.depth_mm, second.depth_mm, equal_nan=True)
    assert all(np.array_equal(first.sensors[name].values, second.sensors[name].values) for name in first.sensors)
    assert first.rgb_u8.shape == (style.height_px, style.width_px, 3)
    assert first.rgb_u8.dtype == np.uint8
    assert first.depth_mm.dtype == np.float32


def test_another_index_is_another_part_of_the_same_line():
    style = LineStyle.random(7, Surface.CAST)
    assert not np.array_equal(draw(style, 3).rgb_u8, draw(style, 4).rgb_u8)


@pytest.mark.parametrize("kind", SURFACE_KINDS)
def test_a_surface_defect_changes_only_its_own_surroundings_in_its_own_modalities(kind: DefectKind):
    style = small_style(2, Surface.PRINTED, height=160, width=200)
    good, bad = draw(style, 5), draw(style, 5, DefectSpec(kind=kind))
    assert bad.defect_type == kind.value
    assert bad.mask.any()
    assert not good.mask.any()
    rgb_changed = (good.rgb_u8 != bad.rgb_u8).any(axis=2)
    depth_changed = np.nan_to_num(good.depth_mm) != np.nan_to_num(bad.depth_mm)
    assert rgb_changed.any() == ("rgb" in bad.modalities_showing)
    assert depth_changed.any() == ("depth" in bad.modalities_showing)
    rows, columns = np.nonzero(bad.mask)
    for changed in (rgb_changed, depth_changed):
        reached_rows, reached_columns = np.nonzero(changed)
        if reached_rows.size:
            assert rows.min() - 12 <= reached_rows.min()
            assert reached_rows.max() <= rows.max() + 12
            assert columns.min() - 12 <= reached_columns.min()
            assert reached_columns.max() <= columns.max() + 12
    assert all(np.array_equal(good.sensors[n].values, bad.sensors[n].values) for n in good.sensors)


@pytest.mark.parametrize(
    ("kind", "channel"), [(DefectKind.VIBRATION, "Vibration"), (DefectKind.TEMPERATURE, "Temperature")]
)
def test_a_sensor_defect_leaves_the_pictures_alone(kind: DefectKind, channel: str):
    style = small_style(2, Surface.WOVEN)
    good, bad = draw(style, 5), draw(style, 5, DefectSpec(kind=kind))
    assert np.array_equal(good.rgb_u8, bad.rgb_u8)
    assert np.array_equal(good.depth_mm, bad.depth_mm, equal_nan=True)
    assert not bad.mask.any()
    assert bad.modalities_showing == ("sensor",)
    changed = {name for name in good.sensors if not np.array_equal(good.sensors[name].values, bad.sensors[name].values)}
    assert changed == {channel}


def test_a_product_variant_changes_marks_but_neither_surface_nor_machine():
    style = LineStyle.random(11, Surface.PRINTED)
    other = style.variant(1)
    assert (style.product, other.product) == ("A", "B")
    assert other.marks != style.marks
    assert (other.surface, other.sensors, other.bosses) == (style.surface, style.sensors, style.bosses)
    assert style.variant(0) == style


def test_depth_lies_around_the_stand_off_with_a_few_missing_returns():
    style = replace(small_style(3, Surface.CAST), bosses=(), standoff_mm=400.0)
    depth = draw(style, 0).depth_mm
    missing = float(np.isnan(depth).mean())
    assert 0 < missing < 0.01
    assert abs(float(np.nanmedian(depth)) - 400.0) < 1.0


@pytest.mark.parametrize("severity", [0.0, -1.0, 3.5])
def test_an_impossible_severity_is_refused(severity: float):
    with pytest.raises(ValueError, match=rf"severity is {severity}, expected \(0, 3\]"):
        DefectSpec(kind=DefectKind.PIT, severity=severity)


def test_a_negative_product_index_is_refused():
    with pytest.raises(ValueError, match="product index is -1, expected >= 0"):
        LineStyle.random(1).variant(-1)
